#include "route/balancer.hpp"

#include <gtest/gtest.h>

namespace forebay::route {
namespace {

TimePoint at(int milliseconds) {
  return TimePoint() + std::chrono::hours(1) + Duration(milliseconds);
}

class BalancerTest : public testing::Test {
 protected:
  BalancerTest() {
    configure(config::PrimaryReads::last_resort);
    topology_.generation = 1;
    topology_.primary = 0;
    for (const char* name : {"primary", "first", "second"}) {
      topology_.servers.push_back({.name = name,
                                   .role = name[0] == 'p' ? Role::primary : Role::replica,
                                   .state = State::up,
                                   .covered = at(0)});
    }
  }

  void configure(config::PrimaryReads primary_reads) {
    auto settings = std::make_shared<config::Settings>();
    settings->routing.max_lag = std::chrono::hours(1);
    settings->routing.primary_reads = primary_reads;
    topology_.settings = std::move(settings);
  }
  std::optional<std::size_t> choose(const Reader& reader, TimePoint now = at(60'000)) {
    return balancer_.choose(topology_, reader, {}, now, {}).server;
  }
  /// One read of each of `clients`, at the same time, each taking what its server takes.
  std::vector<int> run(std::vector<Reader>& clients, const std::vector<std::uint64_t>& micros, int rounds,
                       std::chrono::microseconds behind = Duration(5)) {
    std::vector<int> counts(topology_.servers.size());
    for (int round = 0; round < rounds; ++round) {
      const TimePoint now = at(60'000 + round_++);
      // What was answered a while ago is covered.
      for (Server& server : topology_.servers) server.covered = now - behind;
      std::vector<std::size_t> went;
      for (Reader& client : clients) {
        went.push_back(choose(client, now).value_or(0));
        balancer_.note_start(topology_, went.back(), now);
      }
      for (std::size_t i = 0; i < clients.size(); ++i) {
        balancer_.note_end(topology_.generation, went[i], micros[went[i]], now);
        ++counts[went[i]];
        if (went[i] == 0) {
          clients[i].note_primary(now);
        } else {
          clients[i].note_replica(topology_, went[i], now);
        }
      }
    }
    return counts;
  }

  Topology topology_;
  Balancer balancer_;
  int round_ = 0;
};

TEST_F(BalancerTest, EqualReplicasGetEqualShares) {
  std::vector<Reader> clients(16);
  const auto counts = run(clients, {100, 100, 105}, 1'000);
  EXPECT_EQ(counts[0], 0);
  EXPECT_NEAR(counts[1], counts[2], 0.05 * counts[1]);
}

TEST_F(BalancerTest, SharesFollowWeights) {
  topology_.servers[1].weight = 3;
  std::vector<Reader> clients(16);
  const auto counts = run(clients, {100, 100, 100}, 1'000);
  EXPECT_NEAR(counts[1], 3 * counts[2], 0.1 * counts[1]);
}

TEST_F(BalancerTest, ReadsStayInTheZone) {
  topology_.servers[2].is_near = false;
  std::vector<Reader> clients(16);
  constexpr std::chrono::microseconds kBehind{10};
  EXPECT_EQ(run(clients, {100, 100, 100}, 100, kBehind)[1], 1'600);
  topology_.servers[1].state = State::down;
  EXPECT_EQ(run(clients, {100, 100, 100}, 100, kBehind)[2], 1'600);
  topology_.servers[1].state = State::up;
  EXPECT_EQ(run(clients, {100, 100, 100}, 100, kBehind)[1], 1'600);
}

TEST_F(BalancerTest, WhoIsOutsideOfTheZoneWantsToComeBack) {
  topology_.servers[2].is_near = false;
  Reader reader;
  reader.note_replica(topology_, 2, at(50));
  const auto choice = balancer_.choose(topology_, reader, {}, at(60'000), {});
  EXPECT_EQ(choice.server, 2u);
  EXPECT_TRUE(choice.wants_another);
}

TEST_F(BalancerTest, ASlowReplicaIsLeft) {
  std::vector<Reader> clients(16);
  run(clients, {100, 100, 100}, 100);
  constexpr std::chrono::microseconds kBehind{10};
  run(clients, {1'000, 1'000, 10'000}, 100, kBehind);
  const auto counts = run(clients, {1'000, 1'000, 10'000}, 1'000, kBehind);
  // As much as it can do in the time that the others take.
  EXPECT_LT(counts[2], counts[1] / 5);
}

/// A checkpoint, or a machine that stood still: with one such answer the server was left out for a second.
TEST_F(BalancerTest, OneAnswerThatTookVeryLongChangesNoShares) {
  std::vector<Reader> clients(16);
  run(clients, {100, 100, 100}, 100);
  balancer_.note_start(topology_, 2, at(60'100));
  balancer_.note_end(topology_.generation, 2, 50'000, at(60'100));
  const auto counts = run(clients, {100, 100, 100}, 200);
  EXPECT_NEAR(counts[1], counts[2], 0.05 * counts[1]);
}

/// A move costs a wait: with many reads a hundred more are soon had.
TEST_F(BalancerTest, ClientsMoveLaterTheMoreReadsThereAre) {
  Reader reader;
  reader.note_replica(topology_, 1, at(0));
  const auto reads_before_a_move = [&](int in_a_millisecond) {
    balancer_ = {};
    const int known = 200 * in_a_millisecond;
    for (int reads = 0; reads < 2 * known; ++reads) {
      const TimePoint now = at(1'000 + reads / in_a_millisecond);
      if (balancer_.choose(topology_, reader, {}, now, {}).wants_another) return reads - known;
      balancer_.note_start(topology_, reads < known ? 1 + static_cast<std::size_t>(reads % 2) : 1, now);
    }
    return 0;
  };
  EXPECT_EQ(reads_before_a_move(1), 101);
  EXPECT_GT(reads_before_a_move(100), 1'000);
}

TEST_F(BalancerTest, OneClientAtATimeMayWaitForAnotherServer) {
  EXPECT_TRUE(balancer_.may_wait(at(1'000)));
  EXPECT_FALSE(balancer_.may_wait(at(1'009)));
  EXPECT_TRUE(balancer_.may_wait(at(1'010)));
}

TEST_F(BalancerTest, NoReplicaShowsLessThanTheClientHasWritten) {
  Reader reader;
  reader.note_primary(at(10));
  EXPECT_EQ(choose(reader), std::nullopt);
  topology_.servers[2].covered = at(10);
  EXPECT_EQ(choose(reader), std::nullopt);  // the write may have come in the same instant
  topology_.servers[2].covered = at(11);
  EXPECT_EQ(choose(reader), 2u);
}

TEST_F(BalancerTest, AClientStaysWithItsReplicaUntilAnotherShowsAsMuch) {
  Reader reader;
  reader.note_replica(topology_, 1, at(50));
  EXPECT_EQ(choose(reader), 1u);
  topology_.servers[1].state = State::down;
  EXPECT_EQ(choose(reader), std::nullopt);
  topology_.servers[2].covered = at(51);
  EXPECT_EQ(choose(reader), 2u);
}

TEST_F(BalancerTest, WhoHasLeftAReplicaComesBackOnlyWhenItShowsAsMuch) {
  Reader reader;
  reader.note_replica(topology_, 1, at(50));
  topology_.servers[2].covered = at(55);
  reader.note_replica(topology_, 2, at(60));
  EXPECT_FALSE(reader.may_read(topology_, 1, {}));
  EXPECT_TRUE(reader.may_read(topology_, 2, {}));
  topology_.servers[1].covered = at(61);
  EXPECT_TRUE(reader.may_read(topology_, 1, {}));
}

TEST_F(BalancerTest, WhatOthersWroteCountsWhereItIsAskedFor) {
  Reader reader;
  EXPECT_TRUE(reader.may_read(topology_, 1, {.written_at = at(0)}));
  EXPECT_FALSE(reader.may_read(topology_, 1, {.written_at = at(1)}));
}

TEST_F(BalancerTest, APositionThatWasPassedOnCounts) {
  Reader reader;
  topology_.servers[1].position = 7;
  EXPECT_TRUE(reader.may_read(topology_, 1, {.position = 7}));
  EXPECT_FALSE(reader.may_read(topology_, 1, {.position = 8}));
}

TEST_F(BalancerTest, WhoTakesAnythingMayHaveTheOldest) {
  Reader reader;
  reader.note_primary(at(10));
  EXPECT_TRUE(reader.may_read(topology_, 1, {.is_any = true}));
}

TEST_F(BalancerTest, AnotherListOfServersMeansOtherServers) {
  Reader reader;
  reader.note_replica(topology_, 1, at(50));
  topology_.generation = 2;
  EXPECT_FALSE(reader.may_read(topology_, 1, {}));
}

TEST_F(BalancerTest, ThePrimarySharesWhereItIsTold) {
  configure(config::PrimaryReads::share);
  std::vector<Reader> clients(1);
  const auto counts = run(clients, {100, 100, 100}, 300);
  EXPECT_GT(counts[0], 0);
}

}  // namespace
}  // namespace forebay::route
