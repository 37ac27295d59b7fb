#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace forebay::pgfront {

/// A word of a command as it was meant: without its quotes.
struct ConsoleWord {
  enum class Kind : std::uint8_t {
    plain,   ///< anything without blanks, quotes, `;` and `=`
    quoted,  ///< "…" or '…', which are never keywords
    equals,  ///< =
  };

  std::string text;
  Kind kind = Kind::plain;

  /// Compares `keyword`, in lower case, without regard to case; quoted words are no keywords.
  bool is_keyword(std::string_view keyword) const;
};

/// One command of a console: at least one word.
struct ConsoleStatement {
  std::vector<ConsoleWord> words;
};

/// Cuts what a client sent into commands at semicolons, and commands into words; comments (`--` and nested
/// `/* */`) are blanks. Takes any bytes. Errors: ErrorCode::invalid_input for a quote or comment that does
/// not end.
Result<std::vector<ConsoleStatement>> parse_console(std::string_view text);

/// A command in one line, as a message may repeat it: short, printable.
std::string to_string(const ConsoleStatement& statement);

}  // namespace forebay::pgfront
