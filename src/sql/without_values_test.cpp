#include "sql/without_values.hpp"

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

constexpr std::size_t kAll = 10'000;

TEST(WithoutValues, ShowsNoLiteral) {
  EXPECT_EQ(without_values("SELECT a FROM t WHERE b = 'secret' AND c > 5", kAll),
            "SELECT a FROM t WHERE b = $1 AND c > $2");
  EXPECT_EQ(without_values("SELECT a FROM t WHERE b = $1 AND c = 'secret'", kAll),
            "SELECT a FROM t WHERE b = $1 AND c = $2");
  EXPECT_EQ(without_values("SELECT E'\\'x', U&'secret', B'01', X'ff', N'y', $q$secret$q$, -1.5", kAll),
            "SELECT $1, $2, $3, $4, $5, $6, -$7");
}

TEST(WithoutValues, ShowsNothingOfStatementsThatHoldSecrets) {
  EXPECT_EQ(without_values("ALTER ROLE app PASSWORD 'secret'", kAll), "ALTER ROLE app PASSWORD $1");
  EXPECT_EQ(without_values("NOTIFY channel, 'secret'", kAll), "NOTIFY channel, $1");
  EXPECT_EQ(without_values("SET search_path = a; SELECT set_config('my.user', 'secret', true)", kAll),
            "SET search_path = a; SELECT set_config($1, $2, true)");
  EXPECT_EQ(without_values("DO $$ BEGIN PERFORM 'secret'; END $$", kAll), "DO $1");
}

TEST(WithoutValues, ShowsNothingOfWhatItCannotRead) {
  EXPECT_EQ(without_values("SELECT 'secret", kAll), "");
  EXPECT_EQ(without_values("SELECT \"x\" /* secret", kAll), "");
}

TEST(WithoutValues, LeavesCommentsAndWhiteSpaceOut) {
  EXPECT_EQ(without_values("  SELECT\n\t a /* user 7 */ ,b -- 8\n FROM t.\"u v\"(1)  ", kAll),
            "SELECT a ,b FROM t.\"u v\"($1)");
}

TEST(WithoutValues, CutsBetweenCharacters) {
  EXPECT_EQ(without_values("SELECT spa\xC3\x9F FROM t", 10), "SELECT spa");
  EXPECT_EQ(without_values("SELECT spa\xC3\x9F FROM t", 11), "SELECT spa");
  EXPECT_EQ(without_values("SELECT spa\xC3\x9F FROM t", 12), "SELECT spa\xC3\x9F");
}

}  // namespace
}  // namespace forebay::sql
