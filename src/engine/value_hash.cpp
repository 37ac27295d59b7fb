#include "engine/value_hash.hpp"

#include <algorithm>
#include <functional>
#include <string>

#include "engine/value_text.hpp"

namespace forebay::engine {

namespace {

bool is_integer(std::uint32_t type) {
  return type == kInt2Type || type == kInt4Type || type == kInt8Type;
}

}  // namespace

ValueHash hash_of(std::string_view bytes) {
  const std::size_t hash = std::hash<std::string_view>()(bytes);
  return static_cast<ValueHash>(hash ^ (hash >> 32U)) | 1U;
}

ValueHash value_hash(std::string_view bytes, bool is_binary, std::uint32_t type) {
  std::string buffer;
  std::string_view text;
  if (is_binary && (is_integer(type) || type == 0)) text = integer_text(bytes, buffer);
  if (is_binary && text.empty() && (type == kUuidType || type == 0)) text = uuid_text(bytes, buffer);
  return hash_of(text.empty() ? bytes : text);
}

ValueHash value_hash(std::string_view bytes) {
  const bool is_binary =
      std::ranges::any_of(bytes, [](char c) { return static_cast<unsigned char>(c) < ' '; });
  return value_hash(bytes, is_binary, 0);
}

ValueHash literal_hash(std::string_view literal) {
  std::string buffer;
  return hash_of(literal_text(literal, buffer));
}

}  // namespace forebay::engine
