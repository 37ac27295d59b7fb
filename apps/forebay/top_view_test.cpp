#include "top_view.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace forebay {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

TopSample sample(double scale) {
  TopSample made{.taken = steady_clock::time_point() + seconds(100) + seconds(static_cast<int>(2 * scale))};
  made.queries = 1'000 * scale;
  made.transactions = 200 * scale;
  made.calls = 500 * scale;
  made.call_time = 1'000 * scale;
  made.hits = 300 * scale;
  made.misses = 100 * scale;
  made.saved = 5'000 * scale;
  made.has_cache = true;
  made.pools = {
      {.database = "shop", .user = "app", .server = {}, .clients = 3, .busy = 1, .open = 2, .most = 20},
      {.database = "shop",
       .user = "slow",
       .server = {},
       .clients = 1,
       .waiting = 2,
       .longest_wait = 1'500,
       .busy = 5,
       .open = 5,
       .most = 5}};
  made.statements[{"shop", "SELECT $1"}] = {.calls = 10 * scale, .time = 5 * scale, .rows = 10 * scale};
  made.statements[{"shop", "SELECT pg_sleep($1)"}] = {
      .calls = 2 * scale, .time = 15 * scale, .rows = 2 * scale};
  return made;
}

std::size_t line_with(const std::vector<std::string>& lines, std::string_view text) {
  const auto found = std::ranges::find_if(
      lines, [text](const std::string& line) { return line.find(text) != std::string::npos; });
  return static_cast<std::size_t>(found - lines.begin());
}

TEST(TopView, RatesAreOfTheIntervalAlone) {
  const auto lines = top_lines(sample(1), sample(2), {.place = "here:1"});
  EXPECT_NE(lines[0].find("here:1"), std::string::npos);
  EXPECT_NE(lines[1].find("queries 500/s   mean of servers 2 ms   transactions 100/s"), std::string::npos)
      << lines[1];
  EXPECT_NE(lines[2].find("clients 6, 2 waiting (longest 1.5 s)"), std::string::npos) << lines[2];
  EXPECT_NE(lines[3].find("75.0 % of what can be kept, 150/s   saves servers 2.5 s each second"),
            std::string::npos)
      << lines[3];
}

TEST(TopView, WhatToDoNextIsSaidInThreeLinesAndTheRestCounted) {
  TopSample now = sample(2);
  EXPECT_EQ(line_with(top_lines(sample(1), now, {.place = ""}), "next "),
            top_lines(sample(1), now, {}).size());
  now.advice = {"now: End the pause", "soon: b", "soon: c", "consider: d"};
  const auto lines = top_lines(sample(1), now, {.place = ""});
  const std::size_t first = line_with(lines, "next    now: End the pause");
  EXPECT_EQ(first, 4U) << "behind the summary";
  EXPECT_EQ(line_with(lines, "soon: c"), first + 2);
  EXPECT_EQ(line_with(lines, "consider: d"), lines.size());
  EXPECT_EQ(line_with(lines, "and 1 more"), first + 3);
}

TEST(TopView, AlertsComeBeforeWhatToDo) {
  TopSample now = sample(2);
  now.advice = {"now: Start the server"};
  now.alerts = {"critical server-down server=db:5432"};
  const auto lines = top_lines(sample(1), now, {.place = ""});
  EXPECT_EQ(line_with(lines, "ALERT   critical server-down server=db:5432"), 4U);
  EXPECT_EQ(line_with(lines, "next    now: Start the server"), 5U);
  EXPECT_EQ(line_with(lines, "more"), lines.size());
}

TEST(TopView, WithoutCallsThereIsNoMean) {
  TopSample now = sample(2);
  now.calls = sample(1).calls;
  EXPECT_EQ(line_with(top_lines(sample(1), now, {.place = ""}), "mean of servers"),
            top_lines(sample(1), now, {.place = ""}).size());
}

TEST(TopView, WhatTookMostTimeComesFirst) {
  const auto lines = top_lines(sample(1), sample(2), {.place = ""});
  const std::size_t dear = line_with(lines, "pg_sleep");
  ASSERT_LT(dear, lines.size());
  EXPECT_EQ(dear + 1, line_with(lines, "SELECT $1"));
  EXPECT_NE(lines[dear].find("75 %"), std::string::npos) << lines[dear];
  EXPECT_LT(line_with(lines, "shop slow"), line_with(lines, "shop app")) << "who waits is first";
}

TEST(TopView, NothingIsWiderOrHigherThanTheScreen) {
  TopSample now = sample(2);
  for (int i = 0; i < 200; ++i)
    now.statements[{"shop", std::to_string(i) + std::string(500, 'x')}] = {.calls = 1};
  TopSample before = now;
  before.taken -= seconds(1);
  for (auto& [key, statement] : before.statements) statement.calls = 0;
  for (const std::size_t columns : {1u, 20u, 80u, 200u}) {
    for (const std::size_t rows : {1u, 5u, 24u}) {
      const auto lines = top_lines(before, now, {.place = "x", .columns = columns, .rows = rows});
      EXPECT_LE(lines.size(), rows);
      for (const auto& line : lines) EXPECT_LE(line.size(), columns) << line;
    }
  }
}

TEST(TopView, AStatementCannotPaintTheScreen) {
  TopSample before = sample(1);
  TopSample now = sample(2);
  before.statements[{"shop", "SELECT '\x1b[2J'"}] = {.calls = 0};
  now.statements[{"shop", "SELECT '\x1b[2J'"}] = {.calls = 9};
  for (const auto& line : top_lines(before, now, {.place = ""}))
    EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
}

TEST(TopView, ARestartIsNoNegativeRate) {
  TopSample young = sample(0);
  young.taken = sample(7).taken;
  for (const auto& line : top_lines(sample(6), young, {.place = ""}))
    EXPECT_EQ(line.find('-'), std::string::npos) << line;
}

}  // namespace
}  // namespace forebay
