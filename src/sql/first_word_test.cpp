#include "sql/first_word.hpp"

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

TEST(FirstWord, IsBehindBracketsAndComments) {
  EXPECT_EQ(first_word("SELECT 1"), "select");
  EXPECT_EQ(first_word(" /* a */ ((Values (1)))"), "values");
  EXPECT_EQ(first_word(""), "");
  EXPECT_EQ(first_word("'select'"), "");
}

TEST(FirstWord, TellsWhatIsAboutRows) {
  for (const char* word : {"select", "with", "merge", "table"}) EXPECT_TRUE(is_about_rows(word)) << word;
  for (const char* word : {"alter", "explain", "set", ""}) EXPECT_FALSE(is_about_rows(word)) << word;
}

}  // namespace
}  // namespace forebay::sql
