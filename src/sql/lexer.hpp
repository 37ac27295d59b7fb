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

/// What a character can be part of, as bits.
namespace characters {

enum Class : std::uint8_t {
  kSpace = 1,
  kIdentifierStart = 2,
  kIdentifierPart = 4,
  kDigit = 8,
  kOperator = 16,
  kPunctuation = 32,  ///< a token by itself whatever follows
};

constexpr std::array<std::uint8_t, 256> classes() {
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

inline constexpr std::array<std::uint8_t, 256> kClasses = classes();

inline bool is(char c, unsigned set) {
  return (kClasses[static_cast<unsigned char>(c)] & set) != 0;
}

inline constexpr std::uint64_t kOnes = 0x0101010101010101;
inline constexpr std::uint64_t kHigh = 0x80 * kOnes;

/// Eight characters at once: the highest bit of each byte says whether the character can be inside an
/// identifier.
inline std::uint64_t identifier_parts(std::uint64_t eight) {
  // For bytes below 128: the highest bit of the sum is set when the byte is at least `least`.
  auto at_least = [](std::uint64_t bytes, std::uint64_t least) { return bytes + (0x80 - least) * kOnes; };
  auto equal = [](std::uint64_t bytes, std::uint64_t byte) {
    return ~((bytes ^ (byte * kOnes)) + 0x7F * kOnes);
  };
  const std::uint64_t ascii = eight & ~kHigh;
  const std::uint64_t lower = ascii | (0x20 * kOnes);
  const std::uint64_t letters = at_least(lower, 'a') & ~at_least(lower, 'z' + 1);
  const std::uint64_t digits = at_least(ascii, '0') & ~at_least(ascii, '9' + 1);
  return (letters | digits | equal(ascii, '_') | equal(ascii, '$') | eight) & kHigh;
}

}  // namespace characters

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
  // What is rare or long, with positions for arguments: a Lexer whose address nobody takes stays in
  // registers.
  static Token special(const char* at, const char* end);
  static const char* comment_end(const char* at, const char* end);

  static bool starts_string(const char* at, const char* end);
  static const char* identifier_end(const char* at, const char* end);
  static const char* operators_end(const char* at, const char* end);
  Token take(TokenKind kind, const char* to);

  const char* at_;
  const char* end_;  ///< of the text, or of what stands before its first NUL byte
  bool holds_nul_;
};

/// The end of the identifier whose first character stands before `at`. Most are short and of unpredictable
/// length, so one step without a branch per character is what makes this fast.
inline const char* Lexer::identifier_end(const char* at, const char* end) {
  if constexpr (std::endian::native == std::endian::little) {
    while (end - at >= 8) {
      std::uint64_t eight;
      std::memcpy(&eight, at, 8);
      const std::uint64_t others = ~characters::identifier_parts(eight) & characters::kHigh;
      if (others != 0) return at + std::countr_zero(others) / 8;
      at += 8;
    }
  }
  while (at != end && characters::is(*at, characters::kIdentifierPart)) ++at;
  return at;
}

inline const char* Lexer::operators_end(const char* at, const char* end) {
  for (++at; at != end && characters::is(*at, characters::kOperator); ++at) {
    if (end - at > 1 && ((at[0] == '-' && at[1] == '-') || (at[0] == '/' && at[1] == '*'))) break;
  }
  return at;
}

/// Whether the letter at `at` begins E'…', N'…', B'…', X'…', U&'…' or U&"…".
inline bool Lexer::starts_string(const char* at, const char* end) {
  if (end - at < 2 || (at[1] != '\'' && at[1] != '&')) return false;
  const char letter = static_cast<char>(at[0] | 0x20);
  if (at[1] == '\'') return letter == 'e' || letter == 'n' || letter == 'b' || letter == 'x';
  return letter == 'u' && end - at > 2 && (at[2] == '\'' || at[2] == '"');
}

inline Token Lexer::take(TokenKind kind, const char* to) {
  const char* from = at_;
  at_ = to;
  return {kind, {from, to}};
}

[[gnu::always_inline]] inline Token Lexer::next() {
  using namespace characters;
  for (;;) {
    if (at_ == end_) return take(holds_nul_ ? TokenKind::broken : TokenKind::end, end_);
    const char c = *at_;
    const unsigned set = kClasses[static_cast<unsigned char>(c)];
    if ((set & kSpace) != 0) {
      ++at_;
    } else if ((set & kIdentifierStart) != 0 && !starts_string(at_, end_)) {
      return take(TokenKind::identifier, identifier_end(at_ + 1, end_));
    } else if ((set & kPunctuation) != 0) {
      return take(TokenKind::symbol, at_ + 1);
    } else if ((set & kOperator) == 0) {
      const Token token = special(at_, end_);
      at_ = token.text.data() + token.text.size();
      return token;
    } else if (end_ - at_ > 1 && ((c == '-' && at_[1] == '-') || (c == '/' && at_[1] == '*'))) {
      const char* after = comment_end(at_, end_);
      if (after == nullptr) return take(TokenKind::broken, end_);
      at_ = after;
    } else {
      return take(TokenKind::operators, operators_end(at_, end_));
    }
  }
}

}  // namespace forebay::sql
