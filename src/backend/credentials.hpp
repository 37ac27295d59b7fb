#pragma once

#include <string>
#include <variant>

#include "config/settings.hpp"
#include "wire/md5.hpp"
#include "wire/scram.hpp"
#include "wire/secret_text.hpp"

namespace forebay::backend {

/// What a backend proves its role with: nothing (the server trusts us), a password, the keys that a client's
/// own SCRAM login revealed (pass-through), or an md5 hash.
using Credentials = std::variant<std::monostate, wire::SecretText, wire::ScramKeys, wire::Md5Hash>;

/// The role's password on the server of `upstream`, as far as the configuration has it in clear.
Credentials configured_credentials(const config::Settings& settings, const config::Upstream& upstream,
                                   const std::string& user);

}  // namespace forebay::backend
