#include "sql/set_config_parameters.hpp"

#include <charconv>

#include "base/ascii.hpp"
#include "sql/lexer.hpp"

namespace forebay::sql {

namespace {

bool is_set_config(const Token& token) {
  return token.kind == TokenKind::quoted_identifier
             ? token.text == "\"set_config\""
             : token.kind == TokenKind::identifier && lower_case(token.text) == "set_config";
}

/// The token behind casts that leave a text as it is.
Token behind_casts(Lexer& lexer) {
  Token token = lexer.next();
  while (token.text.starts_with(':')) {
    while (token.text.starts_with(':')) token = lexer.next();
    const std::string type = lower_case(token.text);
    if (type != "text" && type != "varchar") return token;
    token = lexer.next();
  }
  return token;
}

}  // namespace

std::optional<std::vector<int>> set_config_parameters(std::string_view text) {
  std::vector<int> numbers;
  Lexer lexer(text);
  Token token = lexer.next();
  for (; token.kind != TokenKind::end && token.kind != TokenKind::broken; token = lexer.next()) {
    if (token.kind == TokenKind::unicode_identifier) return std::nullopt;  // it may be any name
    if (!is_set_config(token)) continue;
    if ((token = lexer.next()).text != "(") continue;
    const Token name = lexer.next();
    if (name.kind == TokenKind::end || name.kind == TokenKind::broken) return std::nullopt;
    token = behind_casts(lexer);
    if (token.text != ",") return std::nullopt;
    if (name.kind == TokenKind::string) continue;
    if (name.kind != TokenKind::parameter) return std::nullopt;
    int number = 0;
    const char* const end = name.text.data() + name.text.size();
    if (std::from_chars(name.text.data() + 1, end, number).ptr != end) return std::nullopt;
    numbers.push_back(number);
  }
  if (token.kind == TokenKind::broken) return std::nullopt;
  return numbers;
}

}  // namespace forebay::sql
