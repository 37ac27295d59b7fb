#include "alert/uptime.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace forebay::alert {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// P8: uptime > 99.9 %. Four seconds of an hour are more than a thousandth of it.
TEST(UptimeTest, SecondsOfAnHourAreTold) {
  Uptime uptime;
  for (int second = 0; second <= 3600; ++second)
    uptime.add(TimePoint() + seconds(second), second < 1000 || second >= 1004);
  EXPECT_DOUBLE_EQ(*uptime.share(), 3597.0 / 3601);
}

TEST(UptimeTest, NothingIsToldOfTheFirstHour) {
  Uptime uptime;
  EXPECT_FALSE(uptime.share());
  for (int second = 0; second < 3600; ++second) uptime.add(TimePoint() + seconds(second), false);
  EXPECT_FALSE(uptime.share());
  uptime.add(TimePoint() + seconds(3600), false);
  EXPECT_DOUBLE_EQ(*uptime.share(), 0);
}

TEST(UptimeTest, WhatIsOlderThanADayCountsNoMore) {
  Uptime uptime;
  for (int minute = 0; minute < 60; ++minute) uptime.add(TimePoint() + minutes(minute), false);
  for (int minute = 60; minute <= 24 * 60; ++minute) uptime.add(TimePoint() + minutes(minute), true);
  EXPECT_LT(*uptime.share(), 0.96);
  uptime.add(TimePoint() + hours(25), true);
  EXPECT_DOUBLE_EQ(*uptime.share(), 1);
}

}  // namespace
}  // namespace forebay::alert
