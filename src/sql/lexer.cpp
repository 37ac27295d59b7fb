#include "sql/lexer.hpp"

#include <cstddef>
#include <cstring>

namespace forebay::sql {
namespace {

bool is_newline(char c) {
  return c == '\n' || c == '\r';
}

/// Whether a run of digits is a number of 32 bits; the larger ones reach PostgreSQL's grammar as decimals.
bool fits_integer(std::string_view digits) {
  constexpr std::string_view kLargest = "2147483647";
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits.size() < kLargest.size() || (digits.size() == kLargest.size() && digits <= kLargest);
}

}  // namespace

Token Lexer::other(char c) {
  const char* to = at_ + 1;
  switch (c) {
    case '\'':
      return quoted_string(TokenKind::string, at_);
    case '"':
      return quoted_identifier(TokenKind::quoted_identifier, at_);
    case '$':
      return dollar();
    case '.':
      if (to != end_ && is(*to, kDigit)) return number();
      return token(TokenKind::symbol, at_is(to, '.') ? to + 1 : to);
    case ':':
      return token(TokenKind::symbol, at_is(to, ':') || at_is(to, '=') ? to + 1 : to);
    default:
      return is(c, kDigit) ? number() : token(TokenKind::symbol, to);
  }
}

Token Lexer::number() {
  auto digits = [this](const char* from) {
    while (from != end_ && is(*from, kDigit)) ++from;
    return from;
  };
  TokenKind kind = TokenKind::decimal;
  const char* to = digits(at_);
  if (at_is(to, '.') && !(at_is(to + 1, '.') && to != at_)) {
    to = digits(to + 1);
  } else if (fits_integer({at_, to})) {
    kind = TokenKind::integer;
  }
  if (at_is(to, 'e') || at_is(to, 'E')) {
    const char* exponent = to + 1;
    if (at_is(exponent, '+') || at_is(exponent, '-')) ++exponent;
    if (exponent == end_ || !is(*exponent, kDigit)) return broken();
    kind = TokenKind::decimal;
    to = digits(exponent);
  }
  if (to != end_ && is(*to, kIdentifierStart)) return broken();
  return token(kind, to);
}

/// A parameter, a dollar-quoted string, or a dollar sign that the grammar will refuse.
Token Lexer::dollar() {
  const char* to = at_ + 1;
  if (to != end_ && is(*to, kDigit)) {
    while (to != end_ && is(*to, kDigit)) ++to;
    return to != end_ && is(*to, kIdentifierStart) ? broken() : token(TokenKind::parameter, to);
  }
  if (to != end_ && is(*to, kIdentifierStart)) {
    while (to != end_ && *to != '$' && is(*to, kIdentifierPart)) ++to;
  }
  if (!at_is(to, '$')) return token(TokenKind::symbol, at_ + 1);

  const std::string_view quote(at_, to + 1);
  const std::string_view rest(to + 1, end_);
  const std::size_t close = rest.find(quote);
  if (close == std::string_view::npos) return broken();
  return token(TokenKind::string, rest.data() + close + quote.size());
}

Token Lexer::quoted_string(TokenKind kind, const char* open) {
  const char* at = open;
  while (at != nullptr) {
    const char* close = string_end(kind, at + 1);
    if (close == nullptr) return broken();
    at = continuation(close + 1);
    if (at == nullptr) return token(kind, close + 1);
  }
  return broken();
}

/// The quote that closes the piece of a string whose bytes start at `at`; null when there is none.
const char* Lexer::string_end(TokenKind kind, const char* at) const {
  const bool doubles = kind != TokenKind::bit_string && kind != TokenKind::hex_string;
  while (at < end_) {
    if (*at == '\\' && kind == TokenKind::escape_string) {
      if (at + 1 == end_) return nullptr;
      at += 2;
    } else if (*at != '\'') {
      ++at;
    } else if (doubles && at_is(at + 1, '\'')) {
      at += 2;
    } else {
      return at;
    }
  }
  return nullptr;
}

/// The quote with which a string that was closed just before `at` goes on: only white space and line comments
/// may stand between, with at least one newline. Null when it does not go on.
const char* Lexer::continuation(const char* at) const {
  bool newline = false;
  while (at != end_) {
    if (is(*at, kSpace)) {
      newline = newline || is_newline(*at);
      ++at;
    } else if (*at == '-' && at_is(at + 1, '-')) {
      while (at != end_ && !is_newline(*at)) ++at;
    } else {
      return newline && *at == '\'' ? at : nullptr;
    }
  }
  return nullptr;
}

Token Lexer::quoted_identifier(TokenKind kind, const char* open) {
  const char* at = open + 1;
  while (at < end_) {
    if (*at != '"') {
      ++at;
    } else if (at_is(at + 1, '"')) {
      at += 2;
    } else {
      return token(kind, at + 1);
    }
  }
  return broken();
}

/// Steps over the comment at at_; false when it does not end. Comments with stars nest.
bool Lexer::skip_comment() {
  if (*at_ == '-') {
    while (at_ != end_ && !is_newline(*at_)) ++at_;
    return true;
  }
  std::size_t depth = 0;
  while (at_ != end_) {
    if (*at_ == '/' && at_is(at_ + 1, '*')) {
      ++depth;
      at_ += 2;
    } else if (*at_ == '*' && at_is(at_ + 1, '/')) {
      at_ += 2;
      if (--depth == 0) return true;
    } else {
      ++at_;
    }
  }
  return false;
}

}  // namespace forebay::sql
