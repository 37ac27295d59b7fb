#pragma once

#include <string_view>

#include "wire/scram.hpp"

namespace forebay::wire {

/// The functions of RFC 5802 section 3, with SHA-256. Thread safe. They throw only when OpenSSL has no
/// SHA-256.

/// HMAC(key, text).
ScramKey scram_hmac(const ScramKey& key, std::string_view text);

/// H(key).
ScramKey scram_hash(const ScramKey& key);

/// a XOR b.
ScramKey scram_xor(const ScramKey& a, const ScramKey& b);

}  // namespace forebay::wire
