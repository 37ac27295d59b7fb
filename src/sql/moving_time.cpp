#include <algorithm>
#include <string_view>

#include "base/ascii.hpp"
#include "sql/literals.hpp"
#include "sql/read_shape.hpp"
#include "sql/scan.hpp"

namespace forebay::sql {
namespace {

constexpr std::string_view kMovingWords[] = {"now", "today", "tomorrow", "yesterday"};

/// PostgreSQL cuts dates into words wherever letters end: '10now' is two.
bool holds_moving_word(std::string_view value) {
  for (std::size_t at = 0; at < value.size();) {
    if (!is_letter(value[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < value.size() && is_letter(value[end])) ++end;
    const std::string_view word = value.substr(at, end - at);
    if (std::any_of(std::begin(kMovingWords), std::end(kMovingWords),
                    [word](std::string_view moving) { return equals_ignoring_case(word, moving); })) {
      return true;
    }
    at = end;
  }
  return false;
}

/// E'…' with a backslash that could put a letter together with others: only the escapes that people and
/// drivers write are known not to.
bool escapes_may_hide_letters(std::string_view value) {
  for (std::size_t at = value.find('\\'); at < value.size(); at = value.find('\\', at + 2)) {
    const char next = at + 1 < value.size() ? value[at + 1] : '\0';
    if (std::string_view("\\'\"ntrbf").find(next) == std::string_view::npos || next == '\0') return true;
    if (next != '\\' && next != '\'' && next != '"' && at + 2 < value.size() && is_letter(value[at + 2]) &&
        holds_moving_word(value.substr(at + 2))) {
      return true;  // \ntoday: the letter of the escape is no part of the word
    }
  }
  return false;
}

/// Whether what a literal stands for can have words that the literal itself does not show.
bool may_hide_words(std::string_view value) {
  if (value.size() < 3) return false;
  const char first = value[0];
  const bool escape = (first == 'e' || first == 'E') && value[1] == '\'';
  const bool other_prefix = (first == 'n' || first == 'N') && value[1] == '\'';
  if ((first == 'u' || first == 'U') && value[1] == '&') return true;
  if (first != '\'' && !escape && !other_prefix) return false;
  // 'to' <newline> 'day' is one string.
  const std::string_view inner = value.substr(first == '\'' ? 1 : 2);
  if (inner.find_first_of("\r\n") != inner.npos && inner.find('\'') + 1 < inner.size()) return true;
  return escape && escapes_may_hide_letters(value);
}

}  // namespace

bool speaks_of_today(std::string_view value) {
  return holds_moving_word(value) || may_hide_words(value);
}

bool has_moving_literal(std::string_view text) {
  return std::ranges::any_of(scan(text).literals, [text](const Span& literal) {
    return speaks_of_today(text.substr(literal.offset, literal.size));
  });
}

std::vector<std::string_view> literals_of(std::string_view text) {
  std::vector<std::string_view> literals;
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != TokenKind::end && token.kind != TokenKind::broken;
       token = lexer.next()) {
    if (counts_as_literal(token.kind)) literals.push_back(token.text);
  }
  return literals;
}

}  // namespace forebay::sql
