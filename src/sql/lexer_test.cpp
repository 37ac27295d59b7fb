#include "sql/lexer.hpp"

#include <cctype>
#include <cstdint>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <pg_query.h>

namespace forebay::sql {
namespace {

using Kind = TokenKind;
using Tokens = std::vector<std::pair<Kind, std::string>>;

/// Up to the end, which is left out, or the place where the text is broken.
Tokens tokens(std::string_view text) {
  Tokens found;
  Lexer lexer(text);
  for (;;) {
    const Token token = lexer.next();
    if (token.kind == Kind::end) return found;
    found.emplace_back(token.kind, token.text);
    if (token.kind == Kind::broken) return found;
  }
}

Kind last_kind(std::string_view text) {
  const Tokens found = tokens(text);
  return found.empty() ? Kind::end : found.back().first;
}

TEST(Lexer, CutsAStatement) {
  EXPECT_EQ(tokens("SELECT a.b, \"C d\" FROM t WHERE x>=$1 AND y=-2.5e3;"),
            (Tokens{{Kind::identifier, "SELECT"},
                    {Kind::identifier, "a"},
                    {Kind::symbol, "."},
                    {Kind::identifier, "b"},
                    {Kind::symbol, ","},
                    {Kind::quoted_identifier, "\"C d\""},
                    {Kind::identifier, "FROM"},
                    {Kind::identifier, "t"},
                    {Kind::identifier, "WHERE"},
                    {Kind::identifier, "x"},
                    {Kind::operators, ">="},
                    {Kind::parameter, "$1"},
                    {Kind::identifier, "AND"},
                    {Kind::identifier, "y"},
                    {Kind::operators, "=-"},
                    {Kind::decimal, "2.5e3"},
                    {Kind::symbol, ";"}}));
}

TEST(Lexer, LeavesCommentsOut) {
  EXPECT_EQ(tokens("a/* /* nested */ ' */b--c\rd"),
            (Tokens{{Kind::identifier, "a"}, {Kind::identifier, "b"}, {Kind::identifier, "d"}}));
  EXPECT_EQ(tokens("--"), Tokens{});
  EXPECT_EQ(last_kind("/* /* */"), Kind::broken);
  EXPECT_EQ(tokens("1 +--x\n 2").size(), 3U);
  EXPECT_EQ(tokens("1 */*x*/ 2"),
            (Tokens{{Kind::integer, "1"}, {Kind::operators, "*"}, {Kind::integer, "2"}}));
}

TEST(Lexer, KnowsEveryKindOfString) {
  EXPECT_EQ(tokens(R"('it''s\')"), (Tokens{{Kind::string, R"('it''s\')"}}));
  EXPECT_EQ(tokens(R"(E'it\'s\\' e'')"),
            (Tokens{{Kind::escape_string, R"(E'it\'s\\')"}, {Kind::escape_string, "e''"}}));
  EXPECT_EQ(tokens("N'a' n'b'"), (Tokens{{Kind::national_string, "N'a'"}, {Kind::national_string, "n'b'"}}));
  EXPECT_EQ(tokens("B'01'x'F'"), (Tokens{{Kind::bit_string, "B'01'"}, {Kind::hex_string, "x'F'"}}));
  EXPECT_EQ(tokens("B'0''1'"), (Tokens{{Kind::bit_string, "B'0'"}, {Kind::string, "'1'"}}));
  EXPECT_EQ(tokens("U&'d!0061' U&\"d\""),
            (Tokens{{Kind::unicode_string, "U&'d!0061'"}, {Kind::unicode_identifier, "U&\"d\""}}));
  EXPECT_EQ(tokens("U&a").size(), 3U);
  EXPECT_EQ(tokens("$$a'$x$$ $t$ $$ $t$x").size(), 3U);
  EXPECT_EQ(tokens("$ä$ $a$ $ä$"), (Tokens{{Kind::string, "$ä$ $a$ $ä$"}}));
  EXPECT_EQ(tokens("a$$b$$"), (Tokens{{Kind::identifier, "a$$b$$"}}));
  EXPECT_EQ(tokens("$t").front(), (std::pair{Kind::symbol, std::string("$")}));
  for (const char* text : {"'a", "E'a\\'", "E'\\", "$$ $", "$a$ $b$", "\"a", "U&\"a\"\"", "x'"}) {
    EXPECT_EQ(last_kind(text), Kind::broken) << text;
  }
}

TEST(Lexer, StringsGoOnAfterANewline) {
  EXPECT_EQ(tokens("'a'\n 'b'").size(), 1U);
  EXPECT_EQ(tokens("'a' --c\n\t--d\n'b'").size(), 1U);
  EXPECT_EQ(tokens("E'a'\n'\\''").size(), 1U);
  EXPECT_EQ(tokens("'a' 'b'").size(), 2U);
  EXPECT_EQ(tokens("'a' /*\n*/ 'b'").size(), 2U);
  EXPECT_EQ(tokens("'a'\n$$b$$").size(), 2U);
  EXPECT_EQ(tokens("'a'\n-'b'").size(), 3U);
}

TEST(Lexer, KnowsNumbers) {
  for (const char* text : {"0", "2147483647", "0000000000002147483647"})
    EXPECT_EQ(last_kind(text), Kind::integer) << text;
  for (const char* text : {"2147483648", "99999999999", "1.", ".5", "1.5", "1e5", "1.e-5", ".5E+5"}) {
    EXPECT_EQ(tokens(text), (Tokens{{Kind::decimal, text}}));
  }
  EXPECT_EQ(tokens("1..2"), (Tokens{{Kind::integer, "1"}, {Kind::symbol, ".."}, {Kind::integer, "2"}}));
  EXPECT_EQ(tokens("1.5.5"), (Tokens{{Kind::decimal, "1.5"}, {Kind::decimal, ".5"}}));
  EXPECT_EQ(tokens("1$2"), (Tokens{{Kind::integer, "1"}, {Kind::parameter, "$2"}}));
  for (const char* text : {"1a", "1.a", "1e", "1e+", "1e5a", "1_0", "$1a", "0x1"}) {
    EXPECT_EQ(last_kind(text), Kind::broken) << text;
  }
}

TEST(Lexer, KeepsSymbolsOfTwoCharactersTogether) {
  EXPECT_EQ(tokens("a::b: :c:=d").size(), 8U);
  EXPECT_EQ(tokens("a . . b").size(), 4U);
  EXPECT_EQ(tokens("a..b").size(), 3U);
}

TEST(Lexer, TakesAnyBytes) {
  EXPECT_EQ(last_kind(std::string_view("a\0b", 3)), Kind::broken);
  EXPECT_EQ(last_kind(std::string_view("'a\0b'", 5)), Kind::broken);
  EXPECT_EQ(last_kind(std::string_view("a \0", 3)), Kind::broken);
  EXPECT_EQ(last_kind(std::string_view()), Kind::end);
  EXPECT_EQ(last_kind("\xff\xfe"), Kind::identifier);
  EXPECT_EQ(last_kind("a\v"), Kind::symbol);
}

// Every character in every place of an identifier that the eight-at-once search can meet it in.
TEST(Lexer, EndsIdentifiersWhereTheyEnd) {
  for (unsigned c = 1; c < 256; ++c) {
    for (std::size_t length = 1; length < 20; ++length) {
      const std::string text = std::string(length, 'a') + static_cast<char>(c) + "bbbbbbbbbbbb";
      const bool part = std::isalnum(static_cast<int>(c)) != 0 || c == '_' || c == '$' || c >= 0x80;
      Lexer lexer(text);
      const Token token = lexer.next();
      if (c == '\'' || c == '&') continue;
      ASSERT_EQ(token.text.size(), part ? text.size() : length) << c;
    }
  }
}

/// Where libpg_query's own scanner sees tokens: their first byte and the one after their last, comments left
/// out. Nothing when it refuses the text. Its answer is a protocol buffer: ScanResult in pg_query.proto.
class OwnScanner {
 public:
  using Places = std::vector<std::pair<std::size_t, std::size_t>>;

  static std::optional<Places> scan(const std::string& text) {
    const PgQueryScanResult result = pg_query_scan(text.c_str());
    std::optional<Places> places;
    if (result.error == nullptr) places = OwnScanner({result.pbuf.data, result.pbuf.len}).places();
    pg_query_free_scan_result(result);
    return places;
  }

 private:
  explicit OwnScanner(std::string_view bytes) : rest_(bytes) {}

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
  }

  Places places() {
    constexpr std::uint64_t sql_comment = 275;
    constexpr std::uint64_t c_comment = 276;
    Places found;
    while (!rest_.empty()) {
      const std::uint64_t field = varint();
      const std::uint64_t size_or_value = varint();
      if (field >> 3 != 2) continue;  // the version
      OwnScanner inner(rest_.substr(0, size_or_value));
      rest_.remove_prefix(size_or_value);
      std::uint64_t values[6] = {};  // by field: 1 start, 2 end, 4 token
      while (!inner.rest_.empty()) {
        const std::uint64_t number = inner.varint() >> 3;
        values[number] = inner.varint();
      }
      if (values[4] != sql_comment && values[4] != c_comment) found.emplace_back(values[1], values[2]);
    }
    return found;
  }

  std::string_view rest_;
};

std::string random_text(std::mt19937& random) {
  static const char* const pieces[] = {
      "a",   "E",   "e'",  "N'",  "b'",   "x'",   "U&'", "u&\"", "'",  "''", "\"", "\"\"", "\\",
      "\\'", "$$",  "$a$", "$1",  "$",    "--",   "/*",  "*/",   "\n", " ",  "\t", "\r",   "\f",
      "1",   "2.5", ".",   "..",  "1e5",  "e",    "1..", "::",   ":=", ":",  "+",  "-",    "*",
      "/",   "<",   ">=",  "=",   "!=",   "?",    "@",   "|",    "ä",  "_",  "(",  ")",    ",",
      ";",   "[",   "{",   "foo", "SET ", " NOT", "~-",  "&",    "%",  "^",  "`",  "#",
  };
  std::uniform_int_distribution<std::size_t> pick(0, std::size(pieces) - 1);
  std::uniform_int_distribution<int> length(1, 12);
  std::string text;
  for (int i = length(random); i > 0; --i) text += pieces[pick(random)];
  return text;
}

// libpg_query's scanner differs from PostgreSQL's where it has to give comments back, and refuses some
// strings for their value: both are left out here.
bool comparable(const std::string& text, const Tokens& found) {
  for (const auto& [kind, piece] : found) {
    if (kind == Kind::string && piece.front() == '\'' && piece.find("--") != piece.npos) return false;
    if (kind == Kind::escape_string && piece.find('\\') != piece.npos) return false;
    if (piece == "\"\"" || kind == Kind::unicode_identifier || kind == Kind::unicode_string) return false;
    if (kind >= Kind::bit_string && piece.find("--") != piece.npos) return false;
    if (kind == Kind::national_string) return false;  // two tokens there
  }
  return text.find("--") == text.npos || text.find('\'') == text.npos;
}

TEST(Lexer, AgreesWithPostgresOnRandomTexts) {
  std::mt19937 random(20240607);  // NOLINT: the same texts every time
  int compared = 0;
  for (int round = 0; round < 100'000; ++round) {
    const std::string text = random_text(random);
    const Tokens ours = tokens(text);
    if (!comparable(text, ours)) continue;
    ++compared;
    const auto theirs = OwnScanner::scan(text);
    const bool broken = !ours.empty() && ours.back().first == Kind::broken;
    ASSERT_EQ(broken, !theirs) << text;
    if (broken) continue;
    std::size_t next = 0;
    Lexer lexer(text);
    for (Token token = lexer.next(); token.kind != Kind::end; token = lexer.next()) {
      const auto begin = static_cast<std::size_t>(token.text.data() - text.data());
      ASSERT_LT(next, theirs->size()) << text;
      ASSERT_EQ((*theirs)[next].first, begin) << text;
      if (token.kind == Kind::operators) {
        while (next + 1 < theirs->size() && (*theirs)[next].second < begin + token.text.size()) ++next;
      }
      ASSERT_EQ((*theirs)[next].second, begin + token.text.size()) << text;
      ++next;
    }
    ASSERT_EQ(next, theirs->size()) << text;
  }
  EXPECT_GT(compared, 50'000);
}

}  // namespace
}  // namespace forebay::sql
