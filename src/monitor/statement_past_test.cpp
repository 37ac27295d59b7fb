#include "monitor/statement_past.hpp"

#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

using std::chrono::seconds;

constexpr TimePoint kStart{seconds(3'000'000)};  // the beginning of a stretch

TEST(StatementPast, WhatOneStretchHoldsIsAddedUp) {
  StatementPast past;
  past.add(kStart, 2, 10);
  past.add(kStart + seconds(29), 3, 20);
  past.add(kStart + seconds(30), 1, 5);
  const auto points = past.points(kStart + seconds(31));
  ASSERT_EQ(points.size(), StatementPast::kPoints);
  EXPECT_EQ(points[118].calls, 5U);
  EXPECT_EQ(points[118].micros, 30U);
  EXPECT_EQ(points[119].calls, 1U);
  EXPECT_EQ(points[117].calls, 0U);
}

TEST(StatementPast, WhatIsLongAgoIsForgotten) {
  StatementPast past;
  past.add(kStart, 2, 10);
  EXPECT_EQ(past.points(kStart + seconds(30 * 119)).front().calls, 2U);
  for (const auto& point : past.points(kStart + seconds(30 * 120))) EXPECT_EQ(point.calls, 0U);
  past.add(kStart + seconds(30 * 200), 1, 1);
  const auto points = past.points(kStart + seconds(30 * 200));
  EXPECT_EQ(points.back().calls, 1U);
  for (std::size_t i = 0; i + 1 < points.size(); ++i) EXPECT_EQ(points[i].calls, 0U);
}

}  // namespace
}  // namespace forebay::monitor
