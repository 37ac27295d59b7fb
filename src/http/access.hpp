#pragma once

#include <optional>
#include <string>

#include "config/settings.hpp"
#include "http/message.hpp"
#include "wire/secret.hpp"

/// Who may do what. Secrets are compared in constant time. Thread safe, without state.
namespace forebay::http {

/// Who has sent a request.
struct Person {
  Role role = Role::none;
  std::string name = {};     ///< for the log; empty: he has not said
  bool is_impostor = false;  ///< what he said of himself is wrong
  std::string said = {};     ///< the name that an impostor gave, if any: for the log

  /// Who did something, for the log and for others to read.
  std::string shown() const { return name.empty() ? "somebody local" : name; }
};

/// By a token (`Authorization: Bearer`), or by name and password (`Basic`) where nobody listens in: a user
/// that may use the console, whose password is in the configuration or in the user list. Nobody is looked up
/// on a server, which may be down.
Person identify(const Request& request, const config::Settings& settings, const wire::SecretList* user_list);

/// Whether identify() may have to derive keys from a password, which can take it up to a second: as long as a
/// verifier says.
bool says_password(const Request& request);

/// Why the request was made by a page of somebody else in the browser of somebody who is let in; empty: it
/// was not. `changes`: it is about to change something. `is_for_all`: it may be answered to anybody.
///
/// Pages of other origins get nothing from who has told no secret but what is for all. A name in `Host` that
/// somebody else may have pointed at this machine is refused to who has told no secret; and what changes
/// something has to be JSON, which browsers do not send elsewhere without asking first, and must not come
/// from another origin.
std::string foreign(const Request& request, const Person& person, bool changes, bool is_for_all);

}  // namespace forebay::http
