#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace forebay::engine {

/// Types of values, see catalog/pg_type.dat.
inline constexpr std::uint32_t kInt8Type = 20, kInt2Type = 21, kInt4Type = 23, kTextType = 25,
                               kVarcharType = 1043, kUuidType = 2950;

/// The text of a big-endian integer, in `buffer`; empty when it has another size than integers have.
std::string_view integer_text(std::string_view bytes, std::string& buffer);

/// The text of a uuid in its binary form, likewise.
std::string_view uuid_text(std::string_view bytes, std::string& buffer);

/// What a literal stands for, as far as it is one in plain quotes; another one as it stands in its text. In
/// `buffer` where it has quotes within.
std::string_view literal_text(std::string_view literal, std::string& buffer);

}  // namespace forebay::engine
