#include "sql/lexer.hpp"

#include <cstddef>

namespace forebay::sql {
namespace {

using namespace characters;
using Kind = TokenKind;

bool is_newline(char c) {
  return c == '\n' || c == '\r';
}

constexpr std::string_view kLargestInteger = "2147483647";

/// Whether a run of digits is a number of 32 bits; the larger ones reach PostgreSQL's grammar as decimals.
bool fits_integer(std::string_view digits) {
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits.size() < kLargestInteger.size() ||
         (digits.size() == kLargestInteger.size() && digits <= kLargestInteger);
}

/// One token that starts at a given place.
class Scanner {
 public:
  Scanner(const char* from, const char* end) : from_(from), end_(end) {}

  Token scan() const {
    const char c = *from_;
    if (is(c, kIdentifierStart)) return prefixed();
    if (is(c, kDigit) || (c == '.' && end_ - from_ > 1 && is(from_[1], kDigit))) return number();
    switch (c) {
      case '\'':
        return string(Kind::string, from_);
      case '"':
        return quoted_identifier(Kind::quoted_identifier, from_);
      case '$':
        return dollar();
      case '.':
        return to(Kind::symbol, from_ + (holds(from_ + 1, '.') ? 2 : 1));
      case ':':
        return to(Kind::symbol, from_ + (holds(from_ + 1, ':') || holds(from_ + 1, '=') ? 2 : 1));
      default:
        return to(Kind::symbol, from_ + 1);
    }
  }

 private:
  bool holds(const char* at, char c) const { return at < end_ && *at == c; }
  Token to(Kind kind, const char* after) const { return {kind, {from_, after}}; }
  Token broken() const { return to(Kind::broken, end_); }

  Token prefixed() const {
    switch (*from_) {
      case 'e':
      case 'E':
        return string(Kind::escape_string, from_ + 1);
      case 'n':
      case 'N':
        return string(Kind::national_string, from_ + 1);
      case 'b':
      case 'B':
        return string(Kind::bit_string, from_ + 1);
      case 'x':
      case 'X':
        return string(Kind::hex_string, from_ + 1);
      default:
        return from_[2] == '"' ? quoted_identifier(Kind::unicode_identifier, from_ + 2)
                               : string(Kind::unicode_string, from_ + 2);
    }
  }

  const char* digits_end(const char* at) const {
    while (at != end_ && is(*at, kDigit)) ++at;
    return at;
  }

  Token number() const {
    Kind kind = Kind::decimal;
    const char* at = digits_end(from_);
    if (holds(at, '.') && !(holds(at + 1, '.') && at != from_)) {
      at = digits_end(at + 1);
    } else if (fits_integer({from_, at})) {
      kind = Kind::integer;
    }
    if (holds(at, 'e') || holds(at, 'E')) {
      const char* exponent = at + 1;
      if (holds(exponent, '+') || holds(exponent, '-')) ++exponent;
      if (exponent == end_ || !is(*exponent, kDigit)) return broken();
      kind = Kind::decimal;
      at = digits_end(exponent);
    }
    if (at != end_ && is(*at, kIdentifierStart)) return broken();
    return to(kind, at);
  }

  /// A parameter, a dollar-quoted string, or a dollar sign that the grammar will refuse.
  Token dollar() const {
    const char* at = from_ + 1;
    if (at != end_ && is(*at, kDigit)) {
      at = digits_end(at);
      return at != end_ && is(*at, kIdentifierStart) ? broken() : to(Kind::parameter, at);
    }
    if (at != end_ && is(*at, kIdentifierStart)) {
      while (at != end_ && *at != '$' && is(*at, kIdentifierPart)) ++at;
    }
    if (!holds(at, '$')) return to(Kind::symbol, from_ + 1);

    const std::string_view quote(from_, at + 1);
    const std::string_view rest(at + 1, end_);
    const std::size_t close = rest.find(quote);
    if (close == std::string_view::npos) return broken();
    return to(Kind::string, rest.data() + close + quote.size());
  }

  Token string(Kind kind, const char* open) const {
    for (;;) {
      const char* close = string_end(kind, open + 1);
      if (close == nullptr) return broken();
      open = continuation(close + 1);
      if (open == nullptr) return to(kind, close + 1);
    }
  }

  /// The quote that closes the piece of a string whose bytes start at `at`; null when there is none.
  const char* string_end(Kind kind, const char* at) const {
    const bool doubles = kind != Kind::bit_string && kind != Kind::hex_string;
    while (at < end_) {
      if (*at == '\\' && kind == Kind::escape_string) {
        if (at + 1 == end_) return nullptr;
        at += 2;
      } else if (*at != '\'') {
        ++at;
      } else if (doubles && holds(at + 1, '\'')) {
        at += 2;
      } else {
        return at;
      }
    }
    return nullptr;
  }

  /// The quote with which a string that was closed just before `at` goes on: only white space and line
  /// comments may stand between, with at least one newline. Null when it does not go on.
  const char* continuation(const char* at) const {
    bool newline = false;
    while (at != end_) {
      if (is(*at, kSpace)) {
        newline = newline || is_newline(*at);
        ++at;
      } else if (*at == '-' && holds(at + 1, '-')) {
        while (at != end_ && !is_newline(*at)) ++at;
      } else {
        return newline && *at == '\'' ? at : nullptr;
      }
    }
    return nullptr;
  }

  Token quoted_identifier(Kind kind, const char* open) const {
    const char* at = open + 1;
    while (at < end_) {
      if (*at != '"') {
        ++at;
      } else if (holds(at + 1, '"')) {
        at += 2;
      } else {
        return to(kind, at + 1);
      }
    }
    return broken();
  }

  const char* from_;
  const char* end_;
};

}  // namespace

/// The token at `at`, which is neither an identifier nor an operator.
Token Lexer::special(const char* at, const char* end) {
  return Scanner(at, end).scan();
}

/// Where the comment at `at` is over; null when it is not. Comments with stars nest.
const char* Lexer::comment_end(const char* at, const char* end) {
  if (*at == '-') return std::find_if(at, end, is_newline);
  std::size_t depth = 0;
  while (end - at > 1) {
    if (at[0] == '/' && at[1] == '*') {
      ++depth;
      at += 2;
    } else if (at[0] == '*' && at[1] == '/') {
      at += 2;
      if (--depth == 0) return at;
    } else {
      ++at;
    }
  }
  return nullptr;
}

}  // namespace forebay::sql
