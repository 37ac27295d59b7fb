#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sql/lexer.hpp"

namespace forebay::sql {

/// The longest canonical text that is analysed, in bytes. Far above what people write, since data does not
/// count; and the worst of texts of this size keep a thread busy for no more than 20 ms.
inline constexpr std::size_t kMaxCanonicalText = 64 * 1024;

/// PostgreSQL cuts a run of operator characters in quadratic time (100 kB of "-+-+" keep it busy for
/// seconds), and has no operator that is longer than 63.
inline constexpr std::size_t kMaxOperators = 128;

/// What the parser is given in place of a literal of this kind, or of a parameter.
std::string_view stand_in(TokenKind kind);

/// The text that the parser is given in place of `text`: without comments, with one space between tokens,
/// with literals replaced by '' and 1 where they do not matter (see LiteralRule), every parameter by $1, and
/// long runs of alike things (IN (1, 2, 3, …), VALUES (…), (…), …) cut after eight. It has the same verdict,
/// and it depends on nothing but what fingerprint() takes in: so texts with one fingerprint have one verdict,
/// whatever the parser makes of them.
///
/// Nothing when PostgreSQL's scanner would refuse the text, or it is longer than kMaxCanonicalText.
std::optional<std::string> canonical_text(std::string_view text);

}  // namespace forebay::sql
