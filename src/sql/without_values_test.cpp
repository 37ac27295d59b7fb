#include "sql/without_values.hpp"

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

TEST(WithoutValues, ShowsNoLiteral) {
  EXPECT_EQ(without_values("SELECT a FROM t WHERE b = 'secret' AND c > 5"),
            "SELECT a FROM t WHERE b = $1 AND c > $2");
  EXPECT_EQ(without_values("SELECT a FROM t WHERE b = $1 AND c = 'secret'"),
            "SELECT a FROM t WHERE b = $1 AND c = $2");
}

TEST(WithoutValues, ShowsNothingOfWhatItCannotRead) {
  EXPECT_EQ(without_values("SELECT 'secret"), "");
}

}  // namespace
}  // namespace forebay::sql
