#include "sql/without_values.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/utf8.hpp"
#include "sql/lexer.hpp"
#include "sql/literals.hpp"

namespace forebay::sql {

namespace {

bool is_value(TokenKind kind) {
  return is_literal(kind) || kind == TokenKind::unicode_string;
}

/// The highest parameter of the text; nothing when the scanner would refuse it.
bool find_last_parameter(std::string_view text, std::uint32_t& last) {
  Lexer lexer(text);
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    if (token.kind == TokenKind::broken) return false;
    if (token.kind != TokenKind::parameter) continue;
    std::uint32_t number = 0;
    std::from_chars(token.text.data() + 1, token.text.data() + token.text.size(), number);
    last = std::max(last, number);
  }
  return true;
}

}  // namespace

std::string without_values(std::string_view text, std::size_t longest) {
  std::uint32_t parameter = 0;
  if (!find_last_parameter(text, parameter)) return {};
  std::string written;
  Lexer lexer(text);
  const char* end = nullptr;
  for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
    if (written.size() > longest) break;
    if (end != nullptr && token.text.data() != end) written.push_back(' ');
    end = token.text.data() + token.text.size();
    is_value(token.kind) ? written.append("$").append(std::to_string(++parameter))
                         : written.append(token.text);
  }
  written.resize(utf8_prefix(written, longest).size());
  return written;
}

}  // namespace forebay::sql
