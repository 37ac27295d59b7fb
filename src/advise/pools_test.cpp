#include <gtest/gtest.h>

#include "advise/test_moments.hpp"

namespace forebay::advise {
namespace {

using test::calm;
using test::pool;
using test::say;

/// A pool of two backends, both in use, and a minute later, in which 600 checkouts waited for so long
/// together.
std::pair<Moment, Moment> full_minute(double waited_seconds) {
  Moment before = calm(0);
  pool(before).most_backends = 2;
  pool(before).waiting = 4;
  Moment now = before;
  now.at += std::chrono::seconds(60);
  pool(now).traffic = {.assignments = 600,
                       .query_micros = 100'000'000,
                       .wait_micros = static_cast<std::uint64_t>(waited_seconds * 1e6)};
  return {before, now};
}

TEST(PoolSizeTest, SaysHowManyMoreByLittlesLaw) {
  auto [before, now] = full_minute(200);
  const auto found = say(kPoolSize, {before, now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].id, "pool-size:app@shop");
  EXPECT_EQ(found[0].urgency, Urgency::now) << "333 ms are noticed";
  EXPECT_EQ(
      found[0].evidence,
      "3.3 clients waited on average in the last 60 s, 333 ms for each of 600 checkouts; 2 of 2 backends are "
      "in use.");
  EXPECT_EQ(found[0].change.text, "pool:\n  size: 24") << "four more than pool.size";
  EXPECT_NEAR(found[0].gain.value, 200 * 60, 1);
}

TEST(PoolSizeTest, KeepsQuietBelowATenthOfTheTime) {
  auto [before, now] = full_minute(11);
  EXPECT_TRUE(say(kPoolSize, {before, now}).empty());
  std::tie(before, now) = full_minute(12);
  EXPECT_EQ(say(kPoolSize, {before, now}).size(), 1U);
}

TEST(PoolSizeTest, KeepsQuietWhenThePoolWasNotFull) {
  auto [before, now] = full_minute(200);
  for (Moment* each : {&before, &now}) pool(*each).most_backends = 3;
  EXPECT_TRUE(say(kPoolSize, {before, now}).empty()) << "something else made them wait";
}

TEST(PoolSizeTest, KeepsQuietWhilePausedAndBeforeItHasSeenEnough) {
  auto [before, now] = full_minute(200);
  pool(now).is_paused = true;
  EXPECT_TRUE(say(kPoolSize, {before, now}).empty());
  std::tie(before, now) = full_minute(200);
  now.at = before.at + std::chrono::seconds(14);
  EXPECT_TRUE(say(kPoolSize, {before, now}).empty());
}

TEST(PoolSizeTest, IsBoundedByWhatTheServerHasLeft) {
  auto [before, now] = full_minute(200);
  test::answer(now, monitor::Topic::about, R"({"max_connections": 100})");
  test::answer(now, monitor::Topic::activity, R"({"count": 40, "connections": 95})");
  const auto found = say(kPoolSize, {before, now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].change.text, "pool:\n  size: 22");
  EXPECT_NE(found[0].advice.find("2 connections left"), std::string::npos);

  test::answer(now, monitor::Topic::activity, R"({"count": 140, "connections": 97})");
  const auto none = say(kPoolSize, {before, now});
  ASSERT_EQ(none.size(), 1U);
  EXPECT_EQ(none[0].title, "Shorten what holds the backends of app@shop");
  EXPECT_EQ(none[0].change.text, "");
}

TEST(PoolSizeTest, NamesTheLinesThatDecide) {
  auto [before, now] = full_minute(200);
  test::settings(now).databases["shop"].pool.pool_size = 2;
  EXPECT_EQ(say(kPoolSize, {before, now})[0].change.text,
            "databases:\n  \"shop\":\n    pool:\n      size: 6");
  test::settings(now).users["app"].pool.pool_size = 3;
  EXPECT_EQ(say(kPoolSize, {before, now})[0].change.text, "users:\n  \"app\":\n    pool:\n      size: 7");
}

TEST(PoolSizeTest, MeasuresTheWaitOfACheckout) {
  auto [before, now] = full_minute(60);
  const auto found = say(kPoolSize, {before, now});
  ASSERT_EQ(found.size(), 1U);
  const auto measure = test::measured(kPoolSize, found[0], {before, now});
  ASSERT_TRUE(measure);
  EXPECT_DOUBLE_EQ(measure->amount / measure->weight, 100);
  EXPECT_EQ(measure->setting, "2");
  now.pools.clear();
  EXPECT_FALSE(test::measured(kPoolSize, found[0], {before, now}));
}

TEST(PoolHeldBackTest, AsksWhatKeepsAPoolFromGrowing) {
  auto [before, now] = full_minute(0);
  for (Moment* each : {&before, &now}) pool(*each).most_backends = 3;
  pool(now).longest_wait_ms = 99;
  EXPECT_TRUE(say(kPoolHeldBack, {before, now}).empty());
  pool(now).longest_wait_ms = 100;
  EXPECT_EQ(say(kPoolHeldBack, {before, now}).size(), 1U);
  pool(now).login = 1;
  EXPECT_TRUE(say(kPoolHeldBack, {before, now}).empty()) << "it grows";
}

TEST(ClientLimitTest, SpeaksFromFourFifthsOn) {
  Moment now = calm(0);
  now.clients = 79;
  EXPECT_TRUE(say(kClientLimit, {now}).empty());
  now.clients = 80;
  ASSERT_EQ(say(kClientLimit, {now}).size(), 1U);
  EXPECT_EQ(say(kClientLimit, {now})[0].urgency, Urgency::soon);
  EXPECT_EQ(say(kClientLimit, {now})[0].change.text, "limits:\n  max_clients: 200");
  now.clients = 100;
  EXPECT_EQ(say(kClientLimit, {now})[0].urgency, Urgency::now);
  now.most_clients = 0;
  EXPECT_TRUE(say(kClientLimit, {now}).empty());
}

TEST(IdleTransactionsTest, SpeaksOfWhatHasNoLimit) {
  Moment now = calm(0);
  pool(now).longest_idle_ms = 59'999;
  EXPECT_TRUE(say(kIdleTransactions, {now}).empty());
  pool(now).longest_idle_ms = 60'000;
  EXPECT_EQ(say(kIdleTransactions, {now}).size(), 1U);
  test::settings(now).timeouts.idle_in_transaction = std::chrono::minutes(5);
  EXPECT_TRUE(say(kIdleTransactions, {now}).empty());
  test::settings(now).users["app"].pool.idle_in_transaction = Duration(0);
  EXPECT_EQ(say(kIdleTransactions, {now}).size(), 1U) << "this user has none";
}

}  // namespace
}  // namespace forebay::advise
