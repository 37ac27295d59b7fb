#include "engine/trace_comment.hpp"

namespace forebay::engine {

namespace {

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ';' || is_blank(text.back()))) text.remove_suffix(1);
  return text;
}

/// The comment that the text begins with, with its marks; empty: it begins with none.
std::string_view first_comment(std::string_view text) {
  if (!text.starts_with("/*")) return {};
  const auto end = text.find("*/", 2);
  return end == text.npos ? std::string_view() : text.substr(0, end + 2);
}

std::string_view last_comment(std::string_view text) {
  if (!text.ends_with("*/") || text.size() < 4) return {};
  const auto begin = text.rfind("/*", text.size() - 4);
  return begin == text.npos ? std::string_view() : text.substr(begin);
}

/// The value of `name` in the comment, which may stand in quotes.
std::string_view value_of(std::string_view comment, std::string_view name) {
  const auto at = comment.find(name);
  if (at == comment.npos || at == 0) return {};
  const char before = comment[at - 1];
  const bool is_name = before == '*' || before == ',' || before == '\'' || is_blank(before);
  std::string_view rest = comment.substr(at + name.size());
  if (!is_name || !rest.starts_with('=')) return {};
  rest.remove_prefix(rest.starts_with("='") ? 2 : 1);
  return rest.substr(0, rest.find_first_of("',*; \t\n\r\f"));
}

std::string_view trace_in(std::string_view comment) {
  if (comment.empty()) return {};
  const std::string_view parent = value_of(comment, "traceparent");
  if (parent.size() > 35 && parent[2] == '-' && parent[35] == '-') return parent.substr(3, 32);
  return value_of(comment, "trace_id");
}

}  // namespace

std::string_view trace_of(std::string_view text) {
  if (!may_have_outer_comment(text)) return {};
  text = trimmed(text);
  const std::string_view found = trace_in(last_comment(text));
  return found.empty() ? trace_in(first_comment(text)) : found;
}

std::string_view without_outer_comments(std::string_view text) {
  const bool may_have_comment = may_have_outer_comment(text);
  text = trimmed(text);
  if (!may_have_comment) return text;
  text.remove_prefix(first_comment(text).size());
  text.remove_suffix(last_comment(text).size());
  return text;
}

}  // namespace forebay::engine
