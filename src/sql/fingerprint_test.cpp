#include "sql/fingerprint.hpp"

#include <random>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sql/canonical.hpp"
#include "sql/verdict.hpp"

namespace forebay::sql {
namespace {

void expect_same(std::string_view a, std::string_view b) {
  EXPECT_EQ(fingerprint(a), fingerprint(b)) << a << "\n" << b;
}

void expect_different(std::string_view a, std::string_view b) {
  EXPECT_NE(fingerprint(a), fingerprint(b)) << a << "\n" << b;
}

TEST(Fingerprint, IgnoresDataSpaceAndComments) {
  expect_same("SELECT 1", "  SELECT\n\t27 -- x");
  expect_same("SELECT 'a', 2.5", "SELECT/* ' */'it''s' ,1e9");
  expect_same("SELECT 'a'", "SELECT $x$ anything ' at all $x$");
  expect_same("SELECT 'a' FROM t", "SELECT 'a'\n'b' FROM t");
  expect_same("SET a.b = '5'", "SET a.b = '6'");
  expect_same("SELECT set_config('a.b', '1', true)", "SELECT set_config('a.b', '2', true)");
}

TEST(Fingerprint, KeepsEverythingElse) {
  expect_different("SELECT a", "SELECT b");
  expect_different("SELECT a", "SELECT A");
  expect_different("SELECT a b", "SELECT ab");
  expect_different("SELECT $1", "SELECT $2");
  expect_different("SELECT 1", "SELECT 1.0");
  expect_different("SELECT 1", "SELECT 99999999999");
  expect_different("SELECT 1", "SELECT '1'");
  expect_different("SELECT 'a' 'b'", "SELECT 'a'\n'b'");
  expect_different("SELECT a", "SELECT \"a\"");
  expect_different("SELECT a::b", "SELECT a: :b");
  expect_different("SELECT n 'a'", "SELECT n'a'");
  expect_different("SELECT 1", "SELECT 1;");
  expect_different("a", "");
}

// The chunks that tokens are cut into must not make different streams alike.
TEST(Fingerprint, KeepsTokensApart) {
  expect_different("SELECT abcdefg hijklmn", "SELECT abcdefghijklmn");
  expect_different("SELECT abcdefgh ijklmn", "SELECT abcdefg hijklmn");
  std::vector<Fingerprint> seen;
  for (std::size_t i = 1; i < 40; ++i) seen.push_back(fingerprint(std::string(i, 'a')));
  for (std::size_t i = 1; i < 40; ++i) seen.push_back(fingerprint("a" + std::string(i, '+')));
  for (std::size_t i = 0; i < seen.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(seen[i], seen[j]) << i << ' ' << j;
  }
}

TEST(Fingerprint, DoesNotDependOnWhatFollowsTheText) {
  const std::string whole = "SELECT abcdefgh, ijk FROM x";
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const std::string copy = whole.substr(0, size);
    expect_same(std::string_view(whole).substr(0, size), copy);
    expect_same(copy, copy + "      ");
  }
}

TEST(Fingerprint, KeepsLiteralsThatMatter) {
  expect_different("SELECT set_config('a', '1', true)", "SELECT set_config('b', '1', true)");
  expect_different("SELECT SET_config('search_path', 'a', true)",
                   "SELECT SET_config('search_path', 'pg_temp', true)");
  expect_different("SELECT \"set_config\"('a', '', false)", "SELECT \"set_config\"('b', '', false)");
  expect_different("SELECT U&\"set\\005fconfig\"('a', '')", "SELECT U&\"set\\005fconfig\"('b', '')");
  expect_different("SELECT U&\"x!0061\" UESCAPE '!'", "SELECT U&\"x!0061\" UESCAPE '?'");
  expect_different("SET search_path = 'a'", "SET search_path = 'pg_temp'");
  expect_different("SET SCHEMA 'a'", "SET SCHEMA 'pg_temp'");
  expect_different("CREATE DATABASE x TEMPLATE = 'a'", "CREATE DATABASE x TEMPLATE = 'b'");
  expect_different("DO 'BEGIN LISTEN a; END'", "DO 'BEGIN END'");
  expect_different("/* x */ do LANGUAGE plpgsql $$BEGIN LISTEN a; END$$",
                   "/* x */ do LANGUAGE plpgsql $$BEGIN END$$");
  expect_different("SELECT 1; DO 'BEGIN LISTEN a; END'", "SELECT 1; DO 'BEGIN END'");
  expect_same("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING RETURNING 'a'",
              "INSERT INTO t VALUES (2) ON CONFLICT DO NOTHING RETURNING 'b'");
}

TEST(Fingerprint, OfWhatTheScannerRefusesIsOne) {
  EXPECT_EQ(fingerprint("SELECT 'a"), Fingerprint());
  EXPECT_EQ(fingerprint(std::string_view("SELECT 'a\0'", 11)), Fingerprint());
  EXPECT_NE(fingerprint(""), Fingerprint());
}

class Texts {
 public:
  explicit Texts(unsigned seed) : random_(seed) {}

  /// A statement that mostly parses.
  std::string statement() {
    static const char* const shapes[] = {
        "SELECT # FROM % WHERE % = # AND % IN (#, #)",
        "INSERT INTO %(%, %) VALUES (#, #), (#, #)",
        "UPDATE % SET % = # WHERE % < #",
        "SELECT set_config(#, #, false), %",
        "SELECT set_config('a.b', #, true), set_config(#, 'x', #)",
        "SET % = #",
        "SET search_path = #, %",
        "SET SCHEMA #",
        "CREATE DATABASE % TEMPLATE #",
        "SELECT nextval(#), %(#), pg_advisory_lock(#)",
        "PREPARE % AS SELECT # FROM %",
        "COPY % FROM # WITH (NULL #)",
        "ALTER TABLE % ALTER COLUMN % SET STATISTICS #",
        "CREATE FUNCTION %() RETURNS int LANGUAGE sql AS #",
        "SELECT CAST(# AS float(#)), U&\"a!0061\" UESCAPE #",
        "FETCH # FROM %",
        "EXPLAIN (ANALYZE #) SELECT %",
        "LISTEN %; NOTIFY %, #; SELECT #",
        "DO #",
        "DO LANGUAGE % #; DO #",
        "CREATE TYPE % AS ENUM (#, #)",
    };
    static const char* const names[] = {"a",      "b",          "\"a\"", "pg_temp", "seed",
                                        "schema", "set_config", "now",   "f"};
    std::string text;
    for (const char* at = one_of(shapes); *at != '\0'; ++at) {
      if (*at == '%') {
        text += one_of(names);
      } else {
        text += *at == '#' ? literal() : std::string(1, *at);
      }
      if (*at == ' ' && below(8) == 0) text += "/* 'c' */\n";
    }
    return text;
  }

 private:
  std::string literal() {
    static const char* const literals[] = {
        "'a'",
        "'pg_temp'",
        "'search_path'",
        "'seed'",
        "'a.b'",
        "'t'",
        "'!'",
        "''",
        "E'\\u0061'",
        "E'\\u12'",
        "E'\\xff'",
        "E'\\''",
        "$$seed$$",
        "$$ BEGIN SET a.b = 1; LISTEN c; END $$",
        "$q$'$q$",
        "N'a'",
        "B'2'",
        "X'zz'",
        "U&'\\0061'",
        "U&'\\00'",
        "1",
        "0",
        "54",
        "1.5",
        "99999999999",
        "'a'\n'b'",
        "'a' --.\n'b'",
        "'a' 'b'",
        "1a",
        "'unterminated",
        "false",
        "true",
        "$1",
    };
    return one_of(literals);
  }

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }

  template <std::size_t size>
  const char* one_of(const char* const (&choices)[size]) {
    return choices[below(size)];
  }

  std::mt19937 random_;
};

struct HashOf {
  std::size_t operator()(const Fingerprint& fingerprint) const { return fingerprint.low; }
};

TEST(Fingerprint, SameOneMeansSameCanonicalTextAndVerdict) {
  Texts texts(7);
  std::unordered_map<Fingerprint, std::pair<std::string, Verdict>, HashOf> seen;
  int repeated = 0;
  for (int round = 0; round < 40'000; ++round) {
    const std::string text = texts.statement();
    Verdict verdict = analyse(text);
    const auto [entry, is_new] = seen.try_emplace(fingerprint(text), text, std::move(verdict));
    if (is_new) continue;
    ++repeated;
    ASSERT_EQ(entry->second.second, verdict) << text << "\n" << entry->second.first;
    ASSERT_EQ(canonical_text(entry->second.first), canonical_text(text));
  }
  EXPECT_GT(repeated, 10'000);
  EXPECT_GT(seen.size(), 2'000U);
}

// Bytes changed anywhere in statements: nothing that the fingerprint leaves out may matter.
TEST(Fingerprint, SameOneMeansSameVerdictForBrokenTextsToo) {
  Texts texts(11);
  std::mt19937 random(13);  // NOLINT: the same texts every time
  std::unordered_map<Fingerprint, std::pair<std::string, Verdict>, HashOf> seen;
  for (int round = 0; round < 10'000; ++round) {
    std::string text = texts.statement();
    for (int variant = 0; variant < 2; ++variant) {
      text[random() % text.size()] = static_cast<char>(random() % 256);
      const auto [entry, is_new] = seen.try_emplace(fingerprint(text), text, analyse(text));
      ASSERT_TRUE(is_new || entry->second.second == analyse(text)) << text << "\n" << entry->second.first;
    }
  }
}

}  // namespace
}  // namespace forebay::sql
