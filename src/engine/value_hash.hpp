#pragma once

#include <cstdint>
#include <string_view>

namespace forebay::engine {

/// Hashes of values, to tell whether two are the same one. Good enough to report by: of two different values
/// one pair in four thousand millions is taken for the same. Valid within this process only.
using ValueHash = std::uint32_t;

/// Of anything; never 0.
ValueHash hash_of(std::string_view bytes);

/// Of one value, so that it is the same in text and in binary, for integers and uuids, as far as that can be
/// told. `type`: its OID; 0: not known, then what has the size of an integer is one.
ValueHash value_hash(std::string_view bytes, bool is_binary, std::uint32_t type);

/// Of a value of a result whose format is not known: text has no control characters.
ValueHash value_hash(std::string_view bytes);

/// Of a literal as it stands in a text.
ValueHash literal_hash(std::string_view literal);

}  // namespace forebay::engine
