#include "http/readings.hpp"

#include <chrono>
#include <optional>

#include <gtest/gtest.h>

namespace forebay::http {
namespace {

using config::SignalId;
using std::chrono::seconds;

/// Figures of one database, at instants of the test's own; the window is a minute.
class ReadingsTest : public testing::Test {
 protected:
  void look(int second) {
    values_ = readings_.take(figures_, TimePoint() + seconds(1000 + second), seconds(60));
  }
  /// So many calls of this length since the last look.
  void add_calls(std::uint64_t count, std::uint64_t micros) {
    figures_.latencies["shop"].calls.add(micros, count);
  }
  std::optional<double> value(SignalId id) const {
    for (const alert::Reading& reading : values_) {
      if (reading.signal->id == id) return reading.value;
    }
    return std::nullopt;
  }

  static pgfront::CacheFacts cache_with(std::uint64_t hits, std::uint64_t misses) {
    pgfront::CacheFacts cache;
    cache.database = "shop";
    cache.server = "db:5432";
    cache.hits = hits;
    cache.misses = misses;
    return cache;
  }

  Readings readings_;
  Figures figures_;
  std::vector<alert::Reading> values_;
};

TEST_F(ReadingsTest, WhatWasBeforeTheWindowDoesNotCount) {
  add_calls(1000, 5'000'000);
  look(0);
  EXPECT_FALSE(value(SignalId::query_mean)) << "nothing has happened since the first look";
  add_calls(100, 1000);
  look(30);
  EXPECT_NEAR(*value(SignalId::query_mean), 0.001, 1e-9);
  EXPECT_NEAR(*value(SignalId::query_p95), 0.001, 0.0001);
  EXPECT_EQ(value(SignalId::query_slow), 0);
  for (int second = 35; second <= 100; second += 5) look(second);
  EXPECT_FALSE(value(SignalId::query_mean)) << "those hundred have left the window";
}

TEST_F(ReadingsTest, SlowCallsAreCountedExactly) {
  look(0);
  add_calls(90, 524'287);
  add_calls(10, 524'288);
  look(10);
  EXPECT_EQ(value(SignalId::query_slow), 10);
  EXPECT_NEAR(*value(SignalId::query_slow_ratio), 0.1, 1e-9);
}

TEST_F(ReadingsTest, TooFewCallsSayNothing) {
  look(0);
  add_calls(19, 1'000'000);
  figures_.latencies["shop"].errors = 19;
  look(10);
  EXPECT_FALSE(value(SignalId::query_mean));
  EXPECT_FALSE(value(SignalId::query_error_ratio));
  EXPECT_EQ(value(SignalId::query_slow), 19);
  add_calls(1, 1'000'000);
  look(11);
  EXPECT_TRUE(value(SignalId::query_p95));
  EXPECT_FALSE(value(SignalId::query_p99)) << "needs a hundred";
  EXPECT_NEAR(*value(SignalId::query_error_ratio), 0.95, 1e-9);
}

// The better the cache did, the more of the rest were errors: 3 in 100 were told as 86.
TEST_F(ReadingsTest, WhatMemoryAnswersIsAmongAllOfWhichSomeFailOrAreSlow) {
  look(0);
  add_calls(10, 1'000'000);
  figures_.latencies["shop"].errors = 5;
  figures_.latencies["shop"].hits.add(100, 90);
  look(10);
  EXPECT_NEAR(*value(SignalId::query_error_ratio), 0.05, 1e-9);
  EXPECT_NEAR(*value(SignalId::query_slow_ratio), 0.1, 1e-9);
}

TEST_F(ReadingsTest, WhatForebayRefusesIsAnErrorWhereNothingElseIsAnswered) {
  look(0);
  figures_.latencies["shop"].refusals = 19;
  look(10);
  EXPECT_FALSE(value(SignalId::query_error_ratio));
  figures_.latencies["shop"].refusals = 20;
  look(11);
  EXPECT_EQ(value(SignalId::query_error_ratio), 1);
  add_calls(20, 1000);
  look(12);
  EXPECT_NEAR(*value(SignalId::query_error_ratio), 0.5, 1e-9);
}

TEST_F(ReadingsTest, WhoWaitsForTheEndOfAPauseWaitsForNoBackend) {
  figures_.pools.push_back({.database = "shop", .user = "app", .longest_wait_ms = 20'000, .waiting = 1});
  look(0);
  EXPECT_EQ(value(SignalId::pool_longest_wait), 20);
  auto& facts = figures_.databases.emplace_back();
  facts.name = "shop";
  facts.is_paused = true;
  look(1);
  EXPECT_FALSE(value(SignalId::pool_longest_wait));
}

TEST_F(ReadingsTest, ABackendThatIsCleanedOrOpenedIsInUse) {
  figures_.pools.push_back({.database = "shop", .user = "app", .server = "db:5432", .most_backends = 4});
  figures_.pools[0].active = 1;
  figures_.pools[0].idle = 1;
  figures_.pools[0].tested = figures_.pools[0].login = 1;
  look(0);
  EXPECT_NEAR(*value(SignalId::pool_use), 0.75, 1e-9);
}

TEST_F(ReadingsTest, AnswersFromMemoryHaveTimesOfTheirOwn) {
  look(0);
  auto& hits = figures_.latencies["shop"].hits;
  hits.add(100, 97);
  look(10);
  EXPECT_FALSE(value(SignalId::cache_hit_p99)) << "of fewer than a hundred nothing is said";
  hits.add(20'000, 3);
  look(11);
  EXPECT_NEAR(*value(SignalId::cache_hit_p99), 0.02, 0.02 / 16);
  EXPECT_FALSE(value(SignalId::query_mean));
}

// P8: health < 50 ms, uptime > 99.9 %.
TEST_F(ReadingsTest, HealthHasATimeWhereItIsAskedFor) {
  look(0);
  EXPECT_FALSE(value(SignalId::health_mean));
  EXPECT_FALSE(value(SignalId::ready_ratio));
  figures_.health_answers.add(50'000, 3);
  figures_.health_answers.add(90'000, 1);
  figures_.ready_share = 0.998;
  look(10);
  EXPECT_NEAR(*value(SignalId::health_mean), 0.06, 1e-9);
  EXPECT_EQ(value(SignalId::ready_ratio), 0.998);
}

TEST_F(ReadingsTest, WhatACacheCameToBeforeItWasSeenFirstIsOfThisMinute) {
  look(0);
  figures_.caches.push_back(cache_with(300, 100));
  look(1);
  EXPECT_NEAR(*value(SignalId::cache_hit_ratio), 0.75, 1e-9);
}

// The hits of its whole life were those of the last minute.
TEST_F(ReadingsTest, WhatACacheCameToBeforeItHadNoClientsIsNotOfThisMinute) {
  figures_.caches.push_back(cache_with(1'000'000, 0));
  look(0);
  figures_.caches.clear();
  for (int second = 1; second < 100; ++second) look(second);
  figures_.caches.push_back(cache_with(1'000'000, 0));
  look(100);
  EXPECT_FALSE(value(SignalId::cache_hit_ratio));
  figures_.caches.front() = cache_with(1'000'300, 100);
  look(101);
  EXPECT_NEAR(*value(SignalId::cache_hit_ratio), 0.75, 1e-9);
}

// One read a minute kept an alert about the lease alive, which nobody renews between reads.
TEST_F(ReadingsTest, TheLeaseOfACacheThatNobodyAsksIsNotWatched) {
  auto& cache = figures_.caches.emplace_back();
  cache.database = "shop";
  cache.server = "db:5432";
  cache.lease_age = 50'000;
  cache.wanted_lease_age = 0;
  look(0);
  cache.hits = 1;
  look(10);
  EXPECT_EQ(value(SignalId::cache_lease_age), 0);
  cache.wanted_lease_age = 90'000;
  look(11);
  EXPECT_EQ(value(SignalId::cache_lease_age), 90);
}

TEST_F(ReadingsTest, SharesOfNothingHaveNoValue) {
  figures_.pools.push_back({.database = "shop", .user = "app", .server = "db:5432"});
  look(0);
  EXPECT_FALSE(value(SignalId::pool_use));
  EXPECT_FALSE(value(SignalId::clients_use));
  EXPECT_FALSE(value(SignalId::machine_memory));
}

}  // namespace
}  // namespace forebay::http
