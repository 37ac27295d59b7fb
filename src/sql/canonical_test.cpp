#include "sql/canonical.hpp"

#include <string>

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

std::string canonical(std::string_view text) {
  return canonical_text(text).value_or("(none)");
}

std::string repeat(std::string_view piece, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += piece;
  return text;
}

TEST(CanonicalText, LeavesDataOut) {
  EXPECT_EQ(canonical("select 5,'a'/*x*/, E'\\'', $$b$$, B'1', X'f', 2.5, $7 -- c"),
            "select 1 , '' , '' , '' , B'' , X'' , 1.0 , $1 ");
  EXPECT_EQ(canonical(""), "");
}

TEST(CanonicalText, KeepsWhatMatters) {
  EXPECT_EQ(canonical("SELECT 'a', set_config('b', 'c', true)"),
            "SELECT '' , set_config ( 'b' , 'c' , true ) ");
  EXPECT_EQ(canonical("SELECT \"set_config\"('b', 5, true)"), "SELECT \"set_config\" ( 'b' , 5 , true ) ");
  EXPECT_EQ(canonical("SET search_path = 'a', b"), "SET search_path = 'a' , b ");
  EXPECT_EQ(canonical("SET SCHEMA 'a'"), "SET SCHEMA 'a' ");
  EXPECT_EQ(canonical("CREATE DATABASE a TEMPLATE 'b'"), "CREATE DATABASE a TEMPLATE 'b' ");
  EXPECT_EQ(canonical("SELECT U&\"!0061\" UESCAPE '!'"), "SELECT U&\"!0061\" UESCAPE '!' ");
  EXPECT_EQ(canonical("SELECT U&'!0061' UESCAPE '!'"), "SELECT U&'!0061' UESCAPE '!' ");
}

TEST(CanonicalText, LeavesTheValuesOfCustomSettingsOut) {
  EXPECT_EQ(canonical("SELECT set_config('app.user', '42', false), set_config('work_mem', '1MB', false)"),
            "SELECT set_config ( 'app.user' , '' , false ) , set_config ( 'work_mem' , '1MB' , false ) ");
  // The dot is in a comment that the string is written around: the setting is search_path.
  EXPECT_NE(canonical("SELECT set_config('search' --.\n '_path', 'pg_temp', false)").find("'pg_temp'"),
            std::string::npos);
}

TEST(CanonicalText, CutsLongLists) {
  const std::string eight = "1 , " + repeat("1 , ", 7);
  EXPECT_EQ(canonical("SELECT x IN (" + repeat("5,", 1000) + "6)"),
            "SELECT x IN ( " + eight.substr(0, eight.size() - 2) + ") ");
  EXPECT_EQ(canonical("SELECT x IN (" + repeat("-5,", 1000) + "6)").size(),
            canonical("SELECT x IN (" + repeat("-5,", 9) + "6)").size());
  EXPECT_EQ(canonical("SELECT f(1,2,3,4,5,6,7,8)"), "SELECT f ( 1 , 1 , 1 , 1 , 1 , 1 , 1 , 1 ) ");
}

TEST(CanonicalText, CutsLongListsOfRows) {
  const std::string head = "INSERT INTO t VALUES ";
  const std::string data = canonical(head + repeat("(1,NULL,'x'),", 500) + "(default,-2,3.5) RETURNING a");
  EXPECT_EQ(data, canonical(head + repeat("(1,NULL,'x'),", 7) + "(1,NULL,'x') RETURNING a"));
  const std::string calls = canonical(head + repeat("(f(1),'x'::date),", 500) + "(f(2),'y'::date)");
  EXPECT_EQ(calls, canonical(head + repeat("(f(1),'x'::date),", 8)).substr(0, calls.size()));
  EXPECT_LT(calls.size(), 400U);
  // What differs stays.
  const std::string mixed =
      canonical(head + repeat("(f(1)),", 50) + "(g(1))," + repeat("(f(1)),", 50) + "(h(1))");
  EXPECT_NE(mixed.find("g ( 1 )"), std::string::npos);
  EXPECT_NE(mixed.find("h ( 1 )"), std::string::npos);
  EXPECT_EQ(
      canonical("SELECT set_config('a','b',false)" + repeat(",set_config('c','d',false)", 20)).find("(none)"),
      std::string::npos);
}

TEST(CanonicalText, CutsInsideOfWhatIsCut) {
  const std::string row = "(ARRAY[" + repeat("1,", 100) + "1], f(" + repeat("('a',2),", 100) + "('a',2))),";
  EXPECT_LT(canonical("INSERT INTO t VALUES " + repeat(row, 100) + "(1)," + repeat("2,", 100)).size(), 4000U);
}

TEST(CanonicalText, IsBounded) {
  const std::string name(kMaxCanonicalText / 2, 'a');
  EXPECT_TRUE(canonical_text("SELECT " + name).has_value());
  EXPECT_FALSE(canonical_text("SELECT " + name + ", " + name).has_value());
  EXPECT_TRUE(canonical_text("SELECT '" + std::string(8 * kMaxCanonicalText, 'a') + "'").has_value());
}

TEST(CanonicalText, IsNoneForWhatTheScannerRefuses) {
  EXPECT_FALSE(canonical_text("SELECT 'a").has_value());
  EXPECT_FALSE(canonical_text("SELECT 1a").has_value());
  EXPECT_FALSE(canonical_text(std::string_view("SELECT 1\0", 9)).has_value());
  EXPECT_TRUE(canonical_text(")))((").has_value());
}

}  // namespace
}  // namespace forebay::sql
