#include "monitor/finished_points.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A multiple of five minutes, so that both resolutions begin a point there.
constexpr TimePoint kStart{seconds(3'000'000)};
constexpr double kWall = 1'800'000'000.25;

class FinishedPointsTest : public testing::Test {
 protected:
  std::vector<HistoryRow> at(int second) {
    return finished_.take(history_, kStart + seconds(second), kWall + second);
  }

  History history_;
  FinishedPoints finished_;
};

TEST_F(FinishedPointsTest, EachPointIsTakenOnceWhenNothingIsAddedToItAnyMore) {
  EXPECT_TRUE(at(0).empty());
  for (int second = 0; second < 10; ++second) history_.add("a", kStart + seconds(second), second);
  EXPECT_TRUE(at(9).empty());
  history_.add("a", kStart + seconds(10), 1000);
  const auto rows = at(10);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].series, "a");
  EXPECT_EQ(rows[0].seconds, 10U);
  EXPECT_DOUBLE_EQ(rows[0].time, kWall) << "it began when the stretch did";
  EXPECT_EQ(rows[0].point.mean, 4.5F);
  EXPECT_EQ(rows[0].point.least, 0);
  EXPECT_EQ(rows[0].point.most, 9);
  EXPECT_TRUE(at(11).empty());
}

TEST_F(FinishedPointsTest, BothResolutionsAreTakenAndWhatNothingIsKnownOfIsNot) {
  at(0);
  history_.add("a", kStart + seconds(3), 1);
  history_.add("b", kStart + seconds(25), 2);
  const auto rows = at(300);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(std::ranges::count(rows, 300U, &HistoryRow::seconds), 2);
  const auto b = std::ranges::find(rows, "b", &HistoryRow::series);
  EXPECT_DOUBLE_EQ(b->time, kWall + 20);
}

TEST_F(FinishedPointsTest, AfterAPauseNoMoreIsTakenThanIsKept) {
  at(0);
  for (int second = 0; second < 20'000; second += 10) history_.add("a", kStart + seconds(second), 1);
  const auto rows = at(20'000);
  const auto fine = static_cast<std::uint32_t>(std::ranges::count(rows, 10U, &HistoryRow::seconds));
  EXPECT_EQ(fine, kResolutions[1].points - 1);
}

TEST_F(FinishedPointsTest, TimesAreToTheMillisecond) {
  EXPECT_TRUE(finished_.take(history_, kStart + milliseconds(500), kWall + 0.5).empty());
  history_.add("a", kStart + milliseconds(500), 1);
  const auto rows = finished_.take(history_, kStart + milliseconds(10'123), kWall + 10.1234567);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_DOUBLE_EQ(rows[0].time, kWall);
}

}  // namespace
}  // namespace forebay::monitor
