#include "sql/first_word.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "sql/lexer.hpp"

namespace forebay::sql {

std::string first_word(std::string_view text) {
  Lexer lexer(text);
  Token token = lexer.next();
  while (token.kind == TokenKind::symbol && token.text == "(") token = lexer.next();
  return token.kind == TokenKind::identifier ? lower_case(token.text) : std::string();
}

bool is_about_rows(std::string_view first_word) {
  constexpr std::array<std::string_view, 8> kVerbs = {"select", "insert", "update", "delete",
                                                      "merge",  "values", "with",   "table"};
  return std::ranges::find(kVerbs, first_word) != kVerbs.end();
}

}  // namespace forebay::sql
