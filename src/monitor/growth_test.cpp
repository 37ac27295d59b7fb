#include "monitor/growth.hpp"

#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr TimePoint kStart{hours(1000)};

TEST(Growth, NothingIsSaidOfLessThanTenMinutes) {
  Growth growth;
  EXPECT_FALSE(growth.of("shop"));
  growth.note("shop", kStart, 100);
  growth.note("shop", kStart + minutes(9), 200);
  EXPECT_FALSE(growth.of("shop"));
  growth.note("shop", kStart + minutes(10), 200);
  ASSERT_TRUE(growth.of("shop"));
  EXPECT_DOUBLE_EQ(growth.of("shop")->bytes_per_day, 14'400);
  EXPECT_DOUBLE_EQ(growth.of("shop")->seconds, 600);
}

TEST(Growth, OfTheLastDayOnlyAndShrinkingIsLessThanNothing) {
  Growth growth;
  for (int minute = 0; minute <= 48 * 60; ++minute)
    growth.note("shop", kStart + minutes(minute), minute < 24 * 60 ? minute * 1000L : 0);
  ASSERT_TRUE(growth.of("shop"));
  EXPECT_LE(growth.of("shop")->seconds, 24 * 3600);
  EXPECT_DOUBLE_EQ(growth.of("shop")->bytes_per_day, 0);
  growth.note("shop", kStart + hours(49), -500);
  EXPECT_LT(growth.of("shop")->bytes_per_day, 0);
}

TEST(Growth, NamesAreBounded) {
  Growth growth;
  for (std::size_t number = 0; number <= Growth::kMostNames; ++number) {
    growth.note(std::to_string(number), kStart, 1);
    growth.note(std::to_string(number), kStart + minutes(20), 2);
  }
  EXPECT_TRUE(growth.of("0"));
  EXPECT_FALSE(growth.of(std::to_string(Growth::kMostNames)));
  growth.note("later", kStart + hours(3), 1);
  growth.note("later", kStart + hours(4), 2);
  EXPECT_TRUE(growth.of("later"));
  EXPECT_FALSE(growth.of("0"));
}

}  // namespace
}  // namespace forebay::monitor
