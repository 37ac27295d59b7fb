#include "sql/literals.hpp"

#include "base/ascii.hpp"

namespace forebay::sql {
namespace {

std::string_view without_quotes(const Token& token) {
  std::string_view name = token.text;
  if (token.kind == TokenKind::quoted_identifier) name = name.substr(1, name.size() - 2);
  return name;
}

/// PostgreSQL's own settings have no dot in their names. A string that goes on after a newline may hold the
/// dot in a comment, so it does not count.
bool names_custom_setting(std::string_view literal) {
  return literal.find('.') != literal.npos && literal.find_first_of("\r\n") == literal.npos;
}

}  // namespace

bool LiteralRule::is_word(const Token& token) const {
  if (token.kind == TokenKind::unicode_identifier || token.kind == TokenKind::unicode_string) return true;
  const std::string_view name = without_quotes(token);
  switch (name.size()) {
    case 2:  // elsewhere than at the beginning of a statement it belongs to ON CONFLICT and to rules
      return (before_ == nullptr || *before_ == ';') && equals_ignoring_case(name, "do");
    case 6:
      return equals_ignoring_case(name, "schema");
    case 8:
      return equals_ignoring_case(name, "template");
    case 10:
      return equals_ignoring_case(name, "set_config");
    case 11:
      return equals_ignoring_case(name, "search_path");
    default:
      return false;
  }
}

/// Whether to keep this token, now that literals matter.
bool LiteralRule::follow_call(const Token& token) {
  const Call before = call_;
  call_ = Call::none;
  if (token.kind == TokenKind::identifier || token.kind == TokenKind::quoted_identifier) {
    if (equals_ignoring_case(without_quotes(token), "set_config")) call_ = Call::name;
  } else if (token.text == "(" && before == Call::name) {
    call_ = Call::open;
  } else if (token.kind == TokenKind::string && before == Call::open) {
    if (names_custom_setting(token.text)) call_ = Call::custom_setting;
  } else if (token.text == "," && before == Call::custom_setting) {
    call_ = Call::comma;
  } else if (is_literal(token.kind) && before == Call::comma) {
    return false;
  }
  return true;
}

}  // namespace forebay::sql
