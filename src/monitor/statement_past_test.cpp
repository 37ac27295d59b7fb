#include "monitor/statement_past.hpp"

#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

using std::chrono::seconds;

constexpr TimePoint kStart{seconds(3'000'000)};  // the beginning of a stretch

TEST(StatementPast, WhatOneStretchHoldsIsAddedUp) {
  StatementPast past;
  past.add(kStart, kStart, 2, 10);
  past.add(kStart, kStart + seconds(29), 3, 20);
  past.add(kStart + seconds(30), kStart + seconds(30), 1, 5);
  const auto points = past.points(kStart + seconds(31));
  ASSERT_EQ(points.size(), StatementPast::kPoints);
  EXPECT_EQ(points[118]->calls, 5);
  EXPECT_EQ(points[118]->micros, 30);
  EXPECT_EQ(points[119]->calls, 1);
}

// What came before the end of a stretch was told of the next one.
TEST(StatementPast, ALookThatGoesOverAnEndHasAShareOnEitherSide) {
  StatementPast past;
  past.add(kStart, kStart + seconds(27), 27, 270);
  past.add(kStart + seconds(27), kStart + seconds(32), 5, 50);
  const auto points = past.points(kStart + seconds(32));
  EXPECT_DOUBLE_EQ(points[118]->calls, 30);
  EXPECT_DOUBLE_EQ(points[118]->micros, 300);
  EXPECT_DOUBLE_EQ(points[119]->calls, 2);
  EXPECT_EQ(StatementPast::began(kStart + seconds(32)), kStart + seconds(30));
}

// After a restart an hour without a call was shown.
TEST(StatementPast, OfWhatNobodyLookedAtNothingIsSaid) {
  StatementPast past;
  EXPECT_FALSE(past.points(kStart).back());
  past.add(kStart, kStart, 0, 0);
  past.add(kStart, kStart + seconds(60), 1, 5);
  const auto points = past.points(kStart + seconds(60));
  EXPECT_FALSE(points[116]);
  EXPECT_EQ(points[117]->calls, 0);
  EXPECT_FALSE(points[118]);
  EXPECT_EQ(points[119]->calls, 1);
}

TEST(StatementPast, WhatIsLongAgoIsForgotten) {
  StatementPast past;
  past.add(kStart, kStart, 2, 10);
  EXPECT_EQ(past.points(kStart + seconds(30 * 119)).front()->calls, 2);
  for (const auto& point : past.points(kStart + seconds(30 * 120))) EXPECT_FALSE(point);
  past.add(kStart, kStart + seconds(30 * 200), 1, 1);
  const auto points = past.points(kStart + seconds(30 * 200));
  EXPECT_EQ(points.back()->calls, 1);
  for (std::size_t i = 0; i + 1 < points.size(); ++i) EXPECT_FALSE(points[i]);
}

}  // namespace
}  // namespace forebay::monitor
