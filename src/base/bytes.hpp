#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace forebay {

/// A view of bytes that somebody else owns.
using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Takes a string and its NUL off the front of `rest`. False when there is no NUL.
inline bool take_cstring(std::string_view& rest, std::string_view& value) {
  const auto end = rest.find('\0');
  if (end == std::string_view::npos) return false;
  value = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

/// Big-endian integers, the byte order of the PostgreSQL protocol. The caller has checked the length.
inline std::uint16_t load_u16(const std::byte* at) {
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(at[0]) << 8) |
                                    std::to_integer<unsigned>(at[1]));
}

inline std::uint32_t load_u32(const std::byte* at) {
  return (std::to_integer<std::uint32_t>(at[0]) << 24) | (std::to_integer<std::uint32_t>(at[1]) << 16) |
         (std::to_integer<std::uint32_t>(at[2]) << 8) | std::to_integer<std::uint32_t>(at[3]);
}

inline void store_u16(std::byte* at, std::uint16_t value) {
  at[0] = static_cast<std::byte>(value >> 8);
  at[1] = static_cast<std::byte>(value);
}

inline void store_u32(std::byte* at, std::uint32_t value) {
  at[0] = static_cast<std::byte>(value >> 24);
  at[1] = static_cast<std::byte>(value >> 16);
  at[2] = static_cast<std::byte>(value >> 8);
  at[3] = static_cast<std::byte>(value);
}

}  // namespace forebay
