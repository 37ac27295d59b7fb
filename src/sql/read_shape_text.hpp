#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/lexer.hpp"

namespace forebay::sql {

/// The text that the parser is given in place of another one to learn its shape: like canonical_text(), but
/// with the numbers of parameters, and with every literal in its place. It depends on nothing but what
/// fingerprint() takes in, too.
struct ShapeText {
  struct Literal {
    std::size_t offset;  ///< in `text`
    TokenKind kind;
  };
  std::string text;
  std::vector<Literal> literals;  ///< in the order of literals_of()
  std::vector<int> parameters;    ///< the number of each $n, sorted
};

/// Nothing when PostgreSQL's scanner would refuse the text, or it is longer than kMaxCanonicalText.
std::optional<ShapeText> shape_text(std::string_view text);

}  // namespace forebay::sql
