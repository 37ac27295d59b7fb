#include "sql/read_shape_text.hpp"

#include <algorithm>
#include <charconv>

#include "sql/canonical.hpp"
#include "sql/literals.hpp"

namespace forebay::sql {

namespace {

/// Nothing when it is too large to be one; the server's scanner makes some other number of it.
std::optional<int> parameter_number(std::string_view token) {
  int number = 0;
  const auto [end, error] = std::from_chars(token.data() + 1, token.data() + token.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<ShapeText> shape_text(std::string_view text) {
  ShapeText shape;
  Lexer lexer(text);
  LiteralRule rule;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    if (token.kind == TokenKind::broken) return std::nullopt;
    if (token.kind == TokenKind::operators && token.text.size() > kMaxOperators) return std::nullopt;
    if (token.kind == TokenKind::parameter) {
      const auto number = parameter_number(token.text);
      if (!number) return std::nullopt;
      shape.parameters.push_back(*number);
    }
    if (counts_as_literal(token.kind)) shape.literals.push_back({shape.text.size(), token.kind});
    shape.text.append(rule.keeps(token) ? token.text : stand_in(token.kind));
    shape.text.push_back(' ');
    if (shape.text.size() > kMaxCanonicalText) return std::nullopt;
  }
  std::ranges::sort(shape.parameters);
  return shape;
}

}  // namespace forebay::sql
