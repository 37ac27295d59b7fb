#include "sql/split_statements.hpp"

#include <cstddef>

#include "sql/lexer.hpp"

namespace forebay::sql {

std::vector<std::string_view> split_statements(std::string_view text) {
  std::vector<std::string_view> statements;
  Lexer lexer(text);
  const char* begin = nullptr;
  const char* end = nullptr;
  std::size_t depth = 0;
  for (Token token = lexer.next();; token = lexer.next()) {
    const bool is_over = token.kind == TokenKind::end || token.kind == TokenKind::broken;
    if (is_over || (token.text == ";" && depth == 0)) {
      if (begin != nullptr) statements.emplace_back(begin, end);
      if (is_over) return statements;
      begin = nullptr;
      continue;
    }
    if (token.text == "(") ++depth;
    if (token.text == ")" && depth > 0) --depth;
    if (begin == nullptr) begin = token.text.data();
    end = token.text.data() + token.text.size();
  }
}

}  // namespace forebay::sql
