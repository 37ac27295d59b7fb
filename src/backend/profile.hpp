#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wire/startup.hpp"

namespace forebay::backend {

/// What a client asked for in its start-up packet beside user, database and application_name. These are the
/// session's defaults (RESET goes back to them), so only a backend that was started with the same ones may
/// serve the client. Interned: equal profiles are one object, compared by address. Immutable.
struct Profile {
  std::vector<wire::Parameter> parameters;  ///< sorted by name
  std::string replication;                  ///< as sent; not empty: a walsender connection

  friend bool operator==(const Profile&, const Profile&) = default;
};

using ProfilePtr = std::shared_ptr<const Profile>;

/// The one object for `profile`. Thread safe; takes a lock, used at login only.
ProfilePtr intern(Profile profile);

}  // namespace forebay::backend
