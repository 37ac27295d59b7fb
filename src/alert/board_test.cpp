#include "alert/board.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace forebay::alert {
namespace {

using config::SignalId;
using std::chrono::seconds;

config::RuleInUse rule_of(std::string name, SignalId id) {
  return {.name = std::move(name),
          .signal = &config::signal(id),
          .thresholds = {std::nullopt, 1.0, 10.0},
          .hold = seconds(10),
          .resolve_after = seconds(5),
          .description = "too long"};
}

/// A board with a clock of the test's own.
class BoardTest : public testing::Test {
 protected:
  BoardTest() { board_.use({rule_of("wait", SignalId::pool_longest_wait)}); }

  static Labels pool(const std::string& database) { return {{"database", database}, {"user", "app"}}; }

  Moment now() const { return {TimePoint() + seconds(1000 + second_), 1e9 + second_}; }

  /// A second later, this is the value of the pool's wait; nothing: it has none.
  std::vector<Change> tick(std::optional<double> value, const std::string& database = "shop") {
    ++second_;
    std::vector<Reading> readings;
    if (value) readings.push_back({&config::signal(SignalId::pool_longest_wait), pool(database), *value});
    return board_.evaluate(readings, now());
  }
  /// So for some seconds; all that has happened.
  std::vector<Change> ticks(int count, std::optional<double> value) {
    std::vector<Change> all;
    while (count-- > 0) {
      for (Change& change : tick(value)) all.push_back(std::move(change));
    }
    return all;
  }
  std::string raise(double value) {
    const auto changes = ticks(11, value);
    return changes.empty() ? "" : changes.front().alert.id;
  }

  Board board_;
  int second_ = 0;
};

TEST_F(BoardTest, AnAlertIsRaisedWhenItsTimeIsUpAndNotBefore) {
  EXPECT_TRUE(ticks(10, 2.0).empty());
  EXPECT_EQ(board_.pending(), 1);
  const auto changes = tick(3.0);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].what, Happened::raised);
  const Alert& alert = changes[0].alert;
  EXPECT_EQ(alert.rule, "wait");
  EXPECT_EQ(alert.level, AlertLevel::warning);
  EXPECT_EQ(alert.value, 3.0);
  EXPECT_EQ(alert.threshold, 1.0);
  EXPECT_EQ(alert.labels, pool("shop"));
  EXPECT_EQ(alert.started, now().time);
  EXPECT_EQ(board_.pending(), 0);
  EXPECT_TRUE(ticks(50, 2.0).empty()) << "once";
}

TEST_F(BoardTest, AThresholdItselfIsNotBeyondIt) {
  EXPECT_TRUE(ticks(30, 1.0).empty());
  EXPECT_EQ(board_.pending(), 0);
}

TEST_F(BoardTest, APauseBeginsTheTimeAnew) {
  ticks(9, 2.0);
  tick(0.5);
  EXPECT_TRUE(ticks(10, 2.0).empty());
  EXPECT_EQ(ticks(1, 2.0).size(), 1);
}

TEST_F(BoardTest, WhatHasNoValueAnyMoreIsNotBeyondAnything) {
  ticks(9, 2.0);
  tick(std::nullopt);
  EXPECT_TRUE(ticks(10, 2.0).empty());
  raise(2.0);
  const auto changes = ticks(20, std::nullopt);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].what, Happened::resolved);
}

TEST_F(BoardTest, ItIsResolvedWhenTheConditionHasBeenGoneForLongEnough) {
  raise(2.0);
  EXPECT_TRUE(ticks(4, 0.0).empty());
  EXPECT_TRUE(tick(2.0).empty()) << "a short pause is no end";
  EXPECT_TRUE(ticks(4, 0.0).empty());
  const auto changes = tick(0.0);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].what, Happened::resolved);
  EXPECT_EQ(changes[0].alert.resolved, now().time);
  EXPECT_EQ(changes[0].alert.resolved_by, "");
  EXPECT_TRUE(board_.active().empty());
  ASSERT_EQ(board_.resolved().size(), 1);
  EXPECT_EQ(board_.resolved().front().id, changes[0].alert.id);
}

TEST_F(BoardTest, TheLevelRisesAndFallsByItsOwnThresholds) {
  raise(2.0);
  EXPECT_TRUE(ticks(10, 20.0).empty());
  auto changes = tick(20.0);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].what, Happened::level_changed);
  EXPECT_EQ(changes[0].alert.level, AlertLevel::critical);
  EXPECT_EQ(changes[0].alert.threshold, 10.0);
  EXPECT_EQ(changes[0].level_before, AlertLevel::warning);
  changes = ticks(5, 2.0);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].alert.level, AlertLevel::warning);
  EXPECT_EQ(changes[0].level_before, AlertLevel::critical);
  EXPECT_EQ(ticks(5, 0.0).size(), 1);
}

TEST_F(BoardTest, TheValueIsOneThatWasBeyondTheThresholdOfItsLevel) {
  raise(20.0);
  tick(2.0);
  ASSERT_EQ(board_.active().size(), 1);
  EXPECT_EQ(board_.active()[0].level, AlertLevel::critical);
  EXPECT_EQ(board_.active()[0].value, 20.0) << "2 is not above 10";
  EXPECT_EQ(board_.active()[0].threshold, 10.0);
  const auto changes = ticks(4, 3.0);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].alert.level, AlertLevel::warning);
  EXPECT_EQ(changes[0].alert.value, 3.0);
  EXPECT_EQ(changes[0].alert.threshold, 1.0);
}

TEST_F(BoardTest, ASuddenCriticalValueIsOneAlertOfThatLevel) {
  const auto changes = ticks(11, 20.0);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].alert.level, AlertLevel::critical);
}

TEST_F(BoardTest, LessIsWorseForARatioOfHits) {
  config::RuleInUse rule = rule_of("hits", SignalId::cache_hit_ratio);
  rule.thresholds = {0.8, 0.5, std::nullopt};
  rule.hold = rule.resolve_after = seconds(0);
  board_.use({rule});
  const auto look = [this](double value) {
    ++second_;
    return board_.evaluate({{&config::signal(SignalId::cache_hit_ratio), {}, value}}, now());
  };
  EXPECT_TRUE(look(0.8).empty());
  EXPECT_EQ(look(0.79)[0].alert.level, AlertLevel::info);
  EXPECT_EQ(look(0.4)[0].alert.level, AlertLevel::warning);
  EXPECT_EQ(look(0.9)[0].what, Happened::resolved);
}

TEST_F(BoardTest, WhatSomebodyHasResolvedStaysQuietUntilItHasGoneAndComeBack) {
  const std::string id = raise(2.0);
  const auto change = board_.resolve(id, "anna", now());
  ASSERT_TRUE(change);
  EXPECT_EQ(change->alert.resolved_by, "anna");
  EXPECT_TRUE(board_.active().empty());
  EXPECT_TRUE(ticks(100, 2.0).empty());
  EXPECT_TRUE(ticks(10, 0.0).empty());
  const std::string next = raise(2.0);
  EXPECT_FALSE(next.empty());
  EXPECT_NE(next, id);
}

TEST_F(BoardTest, AHigherLevelIsNotKeptQuiet) {
  board_.resolve(raise(2.0), "anna", now());
  const auto changes = ticks(11, 20.0);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].what, Happened::raised);
  EXPECT_EQ(changes[0].alert.level, AlertLevel::critical);
}

TEST_F(BoardTest, AnAcknowledgedAlertStaysAndIsOpenAgainWhenItGetsWorse) {
  const std::string id = raise(2.0);
  EXPECT_TRUE(board_.acknowledge(id, "anna", now()));
  EXPECT_FALSE(board_.acknowledge(id, "bert", now())) << "once";
  EXPECT_EQ(board_.active().front().acknowledged_by, "anna");
  ticks(11, 20.0);
  EXPECT_FALSE(board_.active().front().acknowledged);
  EXPECT_FALSE(board_.acknowledge("another", "anna", now()));
  EXPECT_FALSE(board_.resolve("another", "anna", now()));
}

TEST_F(BoardTest, EachThingHasAnAlertOfItsOwnAndTheWorstComesFirst) {
  board_.use({rule_of("wait", SignalId::pool_longest_wait), rule_of("again", SignalId::pool_longest_wait)});
  for (int i = 0; i < 11; ++i) {
    ++second_;
    board_.evaluate({{&config::signal(SignalId::pool_longest_wait), pool("a"), 2.0},
                     {&config::signal(SignalId::pool_longest_wait), pool("b"), 20.0},
                     {&config::signal(SignalId::pool_use), pool("c"), 20.0}},
                    now());
  }
  const auto active = board_.active();
  ASSERT_EQ(active.size(), 4);
  EXPECT_EQ(active[0].level, AlertLevel::critical);
  EXPECT_EQ(active[1].level, AlertLevel::critical);
  EXPECT_EQ(active[3].labels, pool("a"));
}

TEST_F(BoardTest, ARuleMayBeAboutSomeThingsOnly) {
  config::RuleInUse rule = rule_of("wait", SignalId::pool_longest_wait);
  rule.matches = {{"database", "sh*"}, {"user", "app"}};
  board_.use({rule});
  for (int i = 0; i < 20; ++i) tick(2.0, "other");
  EXPECT_TRUE(board_.active().empty());
  for (int i = 0; i < 20; ++i) tick(2.0, "shop");
  EXPECT_EQ(board_.active().size(), 1);
}

TEST_F(BoardTest, AlertsOfARuleThatHasGoneAreResolved) {
  raise(2.0);
  board_.use({});
  const auto changes = tick(2.0);
  ASSERT_EQ(changes.size(), 1);
  EXPECT_EQ(changes[0].what, Happened::resolved);
}

// Hundreds of pools waited while the server was away, and took every place before it was told.
TEST_F(BoardTest, ManyThingsOfOneRuleLeavePlaceForAnother) {
  board_.use({rule_of("a-wait", SignalId::pool_longest_wait), rule_of("server-down", SignalId::server_down)});
  std::vector<Reading> readings;
  for (int i = 0; i < 1'000; ++i)
    readings.push_back({&config::signal(SignalId::pool_longest_wait), pool(std::to_string(i)), 2.0});
  readings.push_back({&config::signal(SignalId::server_down), {{"server", "db:5432"}}, 2.0});
  std::vector<Change> changes;
  for (int i = 0; i < 120 && changes.empty(); ++i) {
    changes = board_.evaluate(readings, now());
    ++second_;
  }
  EXPECT_TRUE(
      std::ranges::any_of(changes, [](const Change& each) { return each.alert.rule == "server-down"; }));
}

TEST_F(BoardTest, WhatIsWatchedAndRememberedIsBounded) {
  config::RuleInUse rule = rule_of("wait", SignalId::pool_longest_wait);
  rule.hold = rule.resolve_after = seconds(0);
  board_.use({rule});
  std::vector<Reading> many;
  for (std::size_t i = 0; i < Board::kMostOfRule + 10; ++i)
    many.push_back({&config::signal(SignalId::pool_longest_wait), pool(std::to_string(i)), 2.0});
  EXPECT_EQ(board_.evaluate(many, now()).size(), Board::kMostOfRule);
  EXPECT_EQ(board_.left_out(), 10);
  ++second_;
  board_.evaluate({}, now());
  EXPECT_TRUE(board_.active().empty());
  EXPECT_EQ(board_.resolved().size(), Board::kMostResolved);
}

}  // namespace
}  // namespace forebay::alert
