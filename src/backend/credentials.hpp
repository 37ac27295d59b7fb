#pragma once

#include <variant>

#include "wire/md5.hpp"
#include "wire/scram.hpp"
#include "wire/secret_text.hpp"

namespace forebay::backend {

/// What a backend proves its role with: nothing (the server trusts us), a password, the keys that a client's
/// own SCRAM login revealed (pass-through), or an md5 hash.
using Credentials = std::variant<std::monostate, wire::SecretText, wire::ScramKeys, wire::Md5Hash>;

}  // namespace forebay::backend
