#include "sql/quoted_name.hpp"

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

TEST(QuotedName, StandsAloneWhereItCan) {
  for (const char* name : {"orders", "_2026", "name", "value", "points_2026_11"})
    EXPECT_EQ(quoted_name(name), name);
}

// The rewrite of a statement by a column "user" compared the name of who asks, and one by "order" did not
// parse.
TEST(QuotedName, QuotesKeyWords) {
  EXPECT_EQ(quoted_name("order"), "\"order\"");
  EXPECT_EQ(quoted_name("user"), "\"user\"");
  EXPECT_EQ(quoted_name("left"), "\"left\"") << "may be a function's name, and no relation's";
}

TEST(QuotedName, QuotesWhatFoldsOrEndsIt) {
  EXPECT_EQ(quoted_name(""), "\"\"");
  EXPECT_EQ(quoted_name("Orders"), "\"Orders\"");
  EXPECT_EQ(quoted_name("2026"), "\"2026\"");
  EXPECT_EQ(quoted_name("a\"b; c"), "\"a\"\"b; c\"");
  EXPECT_EQ(quoted_name("größe"), "\"größe\"");
}

}  // namespace
}  // namespace forebay::sql
