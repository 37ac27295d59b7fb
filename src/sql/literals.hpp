#pragma once

#include <cstdint>
#include <string_view>

#include "sql/lexer.hpp"

namespace forebay::sql {

inline bool is_number(TokenKind kind) {
  return kind == TokenKind::integer || kind == TokenKind::decimal;
}

/// A string whose value nothing but a function or the server's executor looks at. U&'…' is none: UESCAPE may
/// follow.
inline bool is_plain_string(TokenKind kind) {
  return kind >= TokenKind::string && kind <= TokenKind::hex_string;
}

/// Whether two texts that differ only in the value of this token are the same statement with other data.
inline bool is_literal(TokenKind kind) {
  return is_number(kind) || is_plain_string(kind);
}

/// Whether literals_of() has it.
inline bool counts_as_literal(TokenKind kind) {
  return is_literal(kind) || kind == TokenKind::unicode_string;
}

/// Decides which literals of a text matter to its verdict. Hardly any do: the names that set_config() sets,
/// what search_path becomes (is pg_temp in it?), the template of CREATE DATABASE, the escape character of
/// U&"…", the code of a DO block. From the first such word on, all literals matter, but for the value that
/// set_config() gives to a custom setting: those values (a user's id, a tenant's) differ in every
/// transaction, and keeping them would make each a text of its own.
class LiteralRule {
 public:
  /// To be asked for every token of the text, in order. Anything that is no literal is to be kept.
  bool keeps(const Token& token) {
    if (!keeps_literals_) {
      if (is_literal(token.kind)) return false;
      if (may_be_word(token) && is_word(token)) {
        keeps_literals_ = true;
        follow_call(token);
      }
      before_ = token.text.data();
      return true;
    }
    return follow_call(token);
  }

 private:
  static constexpr unsigned kWordSizes =
      1U << 2 | 1U << 6 | 1U << 8 | 1U << 10 | 1U << 11 | 1U << 12 | 1U << 13;

  enum class Call : std::uint8_t { none, name, open, custom_setting, comma };

  /// Cheap and right most of the time: the words have 2, 6, 8, 10 or 11 letters (and perhaps quotes).
  static bool may_be_word(const Token& token) {
    if (token.kind == TokenKind::identifier || token.kind == TokenKind::quoted_identifier) {
      return token.text.size() < 16 && (kWordSizes >> token.text.size() & 1) != 0;
    }
    return token.kind == TokenKind::unicode_identifier || token.kind == TokenKind::unicode_string;
  }
  bool is_word(const Token& token) const;
  bool follow_call(const Token& token);

  bool keeps_literals_ = false;
  const char* before_ = nullptr;  ///< where the last token began that is no literal; null at the beginning
  Call call_ = Call::none;        ///< how much of "set_config ( 'a.b' ," the last tokens were
};

}  // namespace forebay::sql
