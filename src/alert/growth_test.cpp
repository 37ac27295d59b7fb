#include "alert/growth.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace forebay::alert {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kMegabyte = 1e6;

/// B21: a leak of more than 1 MB an hour is told, and noise is not.
TEST(GrowthTest, ASlopeIsFoundUnderNoise) {
  Growth growth;
  for (int minute = 0; minute <= 360; ++minute) {
    const double noise = (minute % 7 - 3) * 0.3 * kMegabyte;
    growth.add(TimePoint() + minutes(minute), 5e9 + 2 * kMegabyte * minute / 60 + noise);
  }
  EXPECT_NEAR(*growth.per_hour(), 2 * kMegabyte, 0.02 * kMegabyte);
}

TEST(GrowthTest, ASawToothDoesNotGrow) {
  Growth growth;
  for (int minute = 0; minute <= 360; ++minute)
    growth.add(TimePoint() + minutes(minute), 1e8 + (minute % 10) * kMegabyte);
  EXPECT_LT(std::abs(*growth.per_hour()), 0.1 * kMegabyte);
}

TEST(GrowthTest, TheFirstHourSaysNothing) {
  Growth growth;
  EXPECT_FALSE(growth.per_hour());
  for (int minute = 0; minute < 60; ++minute) growth.add(TimePoint() + minutes(minute), minute * kMegabyte);
  EXPECT_FALSE(growth.per_hour());
  growth.add(TimePoint() + minutes(60), 60 * kMegabyte);
  EXPECT_NEAR(*growth.per_hour(), 60 * kMegabyte, 1);
}

TEST(GrowthTest, WhatIsOlderThanSixHoursCountsNoMore) {
  Growth growth;
  for (int minute = 0; minute <= 60; ++minute) growth.add(TimePoint() + minutes(minute), minute * kMegabyte);
  for (int minute = 61; minute <= 430; ++minute) growth.add(TimePoint() + minutes(minute), 60 * kMegabyte);
  EXPECT_NEAR(*growth.per_hour(), 0, 1);
}

TEST(GrowthTest, OneValueAMinuteIsKept) {
  Growth growth;
  for (int second = 0; second <= 3600; ++second)
    growth.add(TimePoint() + seconds(second), second % 60 == 0 ? 0 : 1e12);
  EXPECT_NEAR(*growth.per_hour(), 0, 1);
}

}  // namespace
}  // namespace forebay::alert
