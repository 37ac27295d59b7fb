// What is kept of figures over time (B22, C7, L17).

#include "monitor/history.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// The start of a stretch of every resolution.
const TimePoint kStart{seconds(300'000)};

std::size_t known(const std::vector<Point>& points) {
  std::size_t count = 0;
  for (const Point& point : points) count += std::isnan(point.mean) ? 0U : 1U;
  return count;
}

TEST(History, AWeekOfSecondsIsKeptInThreeResolutionsAndNoMoreMemory) {
  Series series;
  const int week = 7 * 24 * 3600;
  for (int second = 0; second < week; ++second) series.add(kStart + seconds(second), second, 1);
  const TimePoint end = kStart + seconds(week - 1);
  const auto fine = series.points(0, end, 600);
  EXPECT_EQ(known(fine), 600U);
  EXPECT_EQ(fine.back().mean, static_cast<float>(week - 1));
  EXPECT_EQ(fine.front().mean, static_cast<float>(week - 600));
  const auto middle = series.points(1, end, 720);
  EXPECT_EQ(known(middle), 720U);
  EXPECT_EQ(middle.back().least, static_cast<float>(week - 10));
  EXPECT_EQ(middle.back().most, static_cast<float>(week - 1));
  const auto coarse = series.points(2, end, 2016);
  EXPECT_EQ(known(coarse), 2016U);
  EXPECT_EQ(coarse.front().least, 0.0F);
  EXPECT_EQ(coarse.front().mean, 149.5F);
  EXPECT_EQ(coarse.front().most, 299.0F);
  EXPECT_EQ(Series::kBytes, 40'032U);
  EXPECT_LT(Series::kBytes * History::kMostSeries, 2'600'000U);
}

TEST(History, WhatWasNotKnownIsNoFigureAndNeverOneOfARoundBefore) {
  Series series;
  for (int second = 0; second < 600; ++second) series.add(kStart + seconds(second), 7, 1);
  series.add(kStart + seconds(900), 9, 1);
  const auto fine = series.points(0, kStart + seconds(900), 600);
  EXPECT_EQ(known(fine), 300U);  // 301 to 599 of before, and the last
  EXPECT_EQ(fine[298].mean, 7.0F);
  EXPECT_TRUE(std::isnan(fine[299].mean));
  EXPECT_EQ(fine.back().mean, 9.0F);
  EXPECT_EQ(known(series.points(0, kStart + hours(1), 600)), 0U);
  EXPECT_EQ(known(series.points(2, kStart + hours(1), 12)), 2U);
}

TEST(History, AMeanGivesEachItsWeight) {
  Series series;
  series.add(kStart, 1000, 1);
  series.add(kStart + seconds(1), 2, 999);
  const auto middle = series.points(1, kStart + seconds(1), 1);
  EXPECT_NEAR(middle.front().mean, 2.998, 1e-3);
  EXPECT_EQ(middle.front().most, 1000.0F);
}

TEST(History, WhoLookedLateMakesNoMoreOfAStretchThanHeSaw) {
  Series series;
  series.add_rate(kStart - seconds(100), kStart + seconds(1), 500);  // of which one second was in the stretch
  series.add_rate(kStart + seconds(1), kStart + seconds(2), 100);
  EXPECT_FLOAT_EQ(series.points(2, kStart + seconds(2), 1).front().mean, 300);
  series.add_rate(kStart + seconds(2), kStart + seconds(290), 0);
  const Point point = series.points(2, kStart + seconds(290), 1).front();
  EXPECT_FLOAT_EQ(point.mean, 600.0F / 290);
  EXPECT_EQ(point.most, 500);
  EXPECT_EQ(series.points(0, kStart + seconds(290), 1).front().mean, 0);
}

TEST(History, APercentileIsThatOfTheWholeStretchAndNoMeanOfThoseOfItsSeconds) {
  Series series;
  series.set(kStart, {1, 1, 1});
  series.set(kStart + seconds(1), {9, 4, 5});
  const TimePoint end = kStart + seconds(1);
  EXPECT_EQ(series.points(0, end, 2).front().mean, 1.0F);
  EXPECT_EQ(series.points(0, end, 1).front().mean, 9.0F);
  const Point middle = series.points(1, end, 1).front();
  EXPECT_EQ(middle.mean, 4.0F);
  EXPECT_EQ(middle.least, 1.0F);
  EXPECT_EQ(middle.most, 9.0F);
  EXPECT_EQ(series.points(2, end, 1).front().mean, 5.0F);
}

TEST(History, TwoOfOneSecondAreOnePoint) {
  Series series;
  series.add(kStart + milliseconds(10), 4, 1);
  series.add(kStart + milliseconds(990), 6, 1);
  EXPECT_EQ(series.points(0, kStart + milliseconds(999), 1).front().mean, 5.0F);
}

TEST(History, TheFinestResolutionThatGoesBackFarEnoughIsTaken) {
  EXPECT_EQ(History::resolution_for(300), 0U);
  EXPECT_EQ(History::resolution_for(600), 0U);
  EXPECT_EQ(History::resolution_for(601), 1U);
  EXPECT_EQ(History::resolution_for(7200), 1U);
  EXPECT_EQ(History::resolution_for(24 * 3600), 2U);
  EXPECT_EQ(History::resolution_for(30 * 24 * 3600), 2U);
}

TEST(History, FiguresAreBoundedAndOneThatHasGoneMakesRoom) {
  History history;
  const auto name = [](std::size_t number) { return "server/" + std::to_string(number); };
  for (std::size_t number = 0; number <= History::kMostSeries; ++number) history.add(name(number), kStart, 1);
  EXPECT_EQ(history.names().size(), History::kMostSeries);
  EXPECT_EQ(history.find(name(History::kMostSeries)), nullptr);
  const TimePoint later = kStart + hours(2);
  for (std::size_t number = 1; number < History::kMostSeries; ++number) history.add(name(number), later, 1);
  history.add("server/another", later, 1);
  EXPECT_NE(history.find("server/another"), nullptr);
  history.add("queries", later, 1);
  EXPECT_NE(history.find("queries"), nullptr) << "what is Forebay's own finds room beside however many";
  EXPECT_EQ(history.find(name(0)), nullptr);
  history.add("server/one too many", later, 1);
  EXPECT_EQ(history.find("server/one too many"), nullptr);
}

}  // namespace
}  // namespace forebay::monitor
