#include "sql/quoted_name.hpp"

#include <algorithm>

#include "sql/parse.hpp"

namespace forebay::sql {

namespace {

bool is_small_word(std::string_view name) {
  const auto is_small = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && is_small(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_small(c) || (c >= '0' && c <= '9'); });
}

/// Where a relation is named, a key word stands alone only if it may do so wherever a name is expected.
bool stands_alone(std::string_view word) {
  return parse_statements("TABLE " + std::string(word), [](const auto&) { return true; });
}

}  // namespace

std::string quoted_name(std::string_view name) {
  if (is_small_word(name) && stands_alone(name)) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace forebay::sql
