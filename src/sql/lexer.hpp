#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace forebay::sql {

enum class TokenKind : std::uint8_t {
  end,         ///< the text is over
  broken,      ///< PostgreSQL's scanner would refuse the text here (unterminated, trailing junk, a NUL byte)
  identifier,  ///< also every keyword
  quoted_identifier,   ///< "…", with its quotes
  unicode_identifier,  ///< U&"…"
  string,              ///< '…' and $tag$…$tag$
  escape_string,       ///< E'…'
  national_string,     ///< N'…'
  bit_string,          ///< B'…'
  hex_string,          ///< X'…'
  unicode_string,      ///< U&'…'
  integer,             ///< fits 32 bits
  decimal,             ///< every other number
  parameter,           ///< $1
  operators,           ///< a run of operator characters, perhaps several operators
  symbol,              ///< punctuation, and every character that is nothing else
};

/// The bytes of one token as they stand in the text. Strings that go on after a newline are one token, gaps
/// included.
struct Token {
  TokenKind kind;
  std::string_view text;
};

/// Cuts a text into tokens exactly where PostgreSQL 15 does with standard_conforming_strings on, leaving out
/// white space and comments. Rules: src/backend/parser/scan.l,
/// https://git.postgresql.org/gitweb/?p=postgresql.git;a=blob;f=src/backend/parser/scan.l;hb=REL_15_STABLE
/// A run of operator characters stays in one piece: where PostgreSQL cuts it depends on nothing but the run.
///
/// Takes any bytes, in linear time, and never allocates. Not thread safe; the text has to outlive it. `end`
/// or `broken` is the last token: next() must not be called after it.
class Lexer {
 public:
  explicit Lexer(std::string_view text)
      : at_(text.data()),
        end_(text.data() + std::min(text.find('\0'), text.size())),
        holds_nul_(end_ != text.data() + text.size()) {}

  Token next();

 private:
  enum Class : std::uint8_t {
    kSpace = 1,
    kIdentifierStart = 2,
    kIdentifierPart = 4,
    kDigit = 8,
    kOperator = 16,
    kPunctuation = 32,  ///< a token by itself whatever follows
  };
  static constexpr std::array<std::uint8_t, 256> classes();
  static const std::array<std::uint8_t, 256> kClasses;

  static bool is(char c, std::uint8_t set) { return (kClasses[static_cast<unsigned char>(c)] & set) != 0; }
  bool at_is(const char* at, char c) const { return at < end_ && *at == c; }
  Token token(TokenKind kind, const char* to);
  Token broken() { return token(TokenKind::broken, end_); }
  Token over() { return token(holds_nul_ ? TokenKind::broken : TokenKind::end, end_); }

  static std::uint64_t identifier_parts(std::uint64_t characters);
  const char* identifier_end(const char* at) const;
  Token other(char c);
  Token operators();
  Token number();
  Token dollar();
  Token quoted_string(TokenKind kind, const char* open);
  Token quoted_identifier(TokenKind kind, const char* open);
  Token prefixed_or_identifier(char c);
  bool skip_comment();
  const char* string_end(TokenKind kind, const char* at) const;
  const char* continuation(const char* at) const;

  const char* at_;
  const char* end_;  ///< of the text, or of what stands before its first NUL byte
  bool holds_nul_;
};

constexpr std::array<std::uint8_t, 256> Lexer::classes() {
  std::array<std::uint8_t, 256> table{};
  auto mark = [&table](std::string_view characters, unsigned set) {
    for (char c : characters) {
      auto& entry = table[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | set);
    }
  };
  mark(" \t\n\r\f", kSpace);
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", kIdentifierStart | kIdentifierPart);
  mark("0123456789", kDigit | kIdentifierPart);
  mark("$", kIdentifierPart);
  mark("(),;[]", kPunctuation);
  mark("~!@#^&|`?+-*/%<>=", kOperator);
  for (unsigned c = 0x80; c < 0x100; ++c) table[c] = kIdentifierStart | kIdentifierPart;
  return table;
}

inline constexpr std::array<std::uint8_t, 256> Lexer::kClasses = Lexer::classes();

inline Token Lexer::token(TokenKind kind, const char* to) {
  Token found{kind, {at_, to}};
  at_ = to;
  return found;
}

/// Eight characters at once: the highest bit of each byte says whether the character can be inside an
/// identifier.
inline std::uint64_t Lexer::identifier_parts(std::uint64_t characters) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x80 * kOnes;
  // For bytes below 128: the highest bit of the sum is set when the byte is at least `least`.
  auto at_least = [](std::uint64_t bytes, std::uint64_t least) { return bytes + (0x80 - least) * kOnes; };
  auto equal = [](std::uint64_t bytes, std::uint64_t byte) {
    return ~((bytes ^ (byte * kOnes)) + 0x7F * kOnes);
  };
  const std::uint64_t ascii = characters & ~kHigh;
  const std::uint64_t lower = ascii | (0x20 * kOnes);
  const std::uint64_t letters = at_least(lower, 'a') & ~at_least(lower, 'z' + 1);
  const std::uint64_t digits = at_least(ascii, '0') & ~at_least(ascii, '9' + 1);
  return (letters | digits | equal(ascii, '_') | equal(ascii, '$') | characters) & kHigh;
}

/// The end of the identifier whose first character stands before `at`. Most are short and of unpredictable
/// length, so one step without a branch per character is what makes this fast.
inline const char* Lexer::identifier_end(const char* at) const {
  if constexpr (std::endian::native == std::endian::little) {
    while (end_ - at >= 8) {
      std::uint64_t characters;
      std::memcpy(&characters, at, 8);
      const std::uint64_t others = ~identifier_parts(characters) & 0x8080808080808080;
      if (others != 0) return at + std::countr_zero(others) / 8;
      at += 8;
    }
  }
  while (at != end_ && is(*at, kIdentifierPart)) ++at;
  return at;
}

[[gnu::always_inline]] inline Token Lexer::next() {
  for (;;) {
    if (at_ != end_) at_ += is(*at_, kSpace);
    while (at_ != end_ && is(*at_, kSpace)) ++at_;
    if (at_ == end_) return over();
    const char c = *at_;
    if (is(c, kIdentifierStart)) return prefixed_or_identifier(c);
    if (is(c, kPunctuation)) return token(TokenKind::symbol, at_ + 1);
    if (!is(c, kOperator)) return other(c);
    if (c == '-' && at_is(at_ + 1, '-')) {
      skip_comment();
    } else if (c == '/' && at_is(at_ + 1, '*')) {
      if (!skip_comment()) return broken();
    } else {
      return operators();
    }
  }
}

[[gnu::always_inline]] inline Token Lexer::operators() {
  const char* to = at_ + 1;
  for (; to != end_ && is(*to, kOperator); ++to) {
    if (*to == '-' && at_is(to + 1, '-')) break;
    if (*to == '/' && at_is(to + 1, '*')) break;
  }
  return token(TokenKind::operators, to);
}

[[gnu::always_inline]] inline Token Lexer::prefixed_or_identifier(char c) {
  const char* to = at_ + 1;
  if (to != end_ && (*to == '\'' || *to == '&')) {
    switch (c) {
      case 'e':
      case 'E':
        if (*to == '\'') return quoted_string(TokenKind::escape_string, to);
        break;
      case 'n':
      case 'N':
        if (*to == '\'') return quoted_string(TokenKind::national_string, to);
        break;
      case 'b':
      case 'B':
        if (*to == '\'') return quoted_string(TokenKind::bit_string, to);
        break;
      case 'x':
      case 'X':
        if (*to == '\'') return quoted_string(TokenKind::hex_string, to);
        break;
      case 'u':
      case 'U':
        if (*to == '&' && at_is(to + 1, '\'')) return quoted_string(TokenKind::unicode_string, to + 1);
        if (*to == '&' && at_is(to + 1, '"')) return quoted_identifier(TokenKind::unicode_identifier, to + 1);
        break;
      default:
        break;
    }
  }
  return token(TokenKind::identifier, identifier_end(to));
}

}  // namespace forebay::sql
