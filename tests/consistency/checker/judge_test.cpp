#include "judge.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace checker {
namespace {

using std::chrono::milliseconds;

constexpr int kWriter = 1, kReader = 2;

/// One register, and a bound that has long passed for what happened at `long_ago`.
struct HistoryTest : testing::Test {
  History history;
  const Clock::duration bound = milliseconds(1000);

  Version written(Route route, int client = kWriter) {
    const Version version = history.begin("test", route, client);
    history.end(version, Fate::committed, route, client);
    return version;
  }
};

TEST_F(HistoryTest, AWritePastForebayIsRequiredOnceTheBoundIsOver) {
  const Version version = written(Route::around);
  const Instant now = Clock::now();
  EXPECT_EQ(history.required(now, bound, kReader).version, 0);
  EXPECT_EQ(history.required(now + bound + milliseconds(1), bound, kReader).version, version);
  EXPECT_STREQ(history.required(now + bound + milliseconds(1), bound, kReader).rule, "bound");
}

TEST_F(HistoryTest, AWriteThroughForebayIsRequiredAtOnce) {
  const Version version = written(Route::through);
  const Instant now = Clock::now() + milliseconds(1);
  EXPECT_EQ(history.required(now, bound, kReader).version, version);
  EXPECT_STREQ(history.required(now, bound, kReader).rule, "written through");
  EXPECT_STREQ(history.required(now, bound, kWriter).rule, "own write");
  EXPECT_EQ(history.required(now - milliseconds(500), bound, kReader).version, 0)
      << "the read began before it";
}

TEST_F(HistoryTest, AnUnknownOutcomeIsNeverRequired) {
  const Version version = history.begin("test", Route::around, kWriter);
  history.end(version, Fate::unknown, Route::around, kWriter);
  const Instant now = Clock::now() + milliseconds(1);
  EXPECT_EQ(history.required(now + bound, bound, kReader).version, 0);
  EXPECT_TRUE(history.possible(version, now));
}

TEST_F(HistoryTest, WhatWasSeenOfAnUnknownOutcomeMustNotGoAgain) {
  const Version version = history.begin("test", Route::through, kWriter);
  EXPECT_TRUE(history.possible(version, Clock::now()));
  history.end(version, Fate::unknown, Route::through, kWriter);
  const Instant now = Clock::now() + milliseconds(1);
  EXPECT_EQ(history.required(now, bound, kReader).version, 0) << "a replica may be ahead";
  EXPECT_EQ(history.required(now + bound, bound, kReader).version, version);
  EXPECT_STREQ(history.required(now + bound, bound, kReader).rule, "seen, then gone");
  EXPECT_EQ(history.required(now + bound, Clock::duration::zero(), kReader, Route::around).version, 0);
}

TEST_F(HistoryTest, WhatIsSeenLaterOfAnUnknownOutcomeMustNotGoAgainEither) {
  const Version version = history.begin("test", Route::through, kWriter);
  history.end(version, Fate::unknown, Route::through, kWriter);
  EXPECT_TRUE(history.possible(version, Clock::now()));
  EXPECT_EQ(history.required(Clock::now() + bound + milliseconds(1), bound, kReader).version, version);
}

TEST_F(HistoryTest, ThePrimaryShowsWhatWasAcknowledgedOrSeenPastForebay) {
  const Version version = history.begin("test", Route::through, kWriter);
  EXPECT_TRUE(history.possible(version, Clock::now()));
  EXPECT_EQ(history.shown_before(Clock::now() + milliseconds(1)), 0);
  history.end(version, Fate::unknown, Route::through, kWriter);
  EXPECT_EQ(history.shown_before(Clock::now() + milliseconds(1)), 0);
  history.witnessed(version, Clock::now());
  EXPECT_EQ(history.shown_before(Clock::now() + milliseconds(1)), version);
}

TEST_F(HistoryTest, WhatAWitnessSawIsRequiredEvenWithoutAnAcknowledgement) {
  const Version version = history.begin("test", Route::around, kWriter);
  history.witnessed(version, Clock::now());
  EXPECT_EQ(history.required(Clock::now() + bound + milliseconds(1), bound, kReader).version, version);
}

TEST_F(HistoryTest, TheAcknowledgementCountsThoughAWitnessWasFaster) {
  const Version version = history.begin("test", Route::through, kWriter);
  history.witnessed(version, Clock::now());
  history.end(version, Fate::committed, Route::through, kWriter);
  EXPECT_EQ(history.required(Clock::now() + milliseconds(1), bound, kReader).version, version);
}

TEST_F(HistoryTest, NobodySeesWhatWasRolledBackOrNotSentYet) {
  const Instant before = Clock::now();
  const Version version = history.begin("test", Route::around, kWriter);
  EXPECT_FALSE(history.possible(version, before));
  EXPECT_FALSE(history.end(version, Fate::aborted, Route::around, kWriter)) << "somebody had it before";
  EXPECT_FALSE(history.possible(version, Clock::now() + milliseconds(1)));
  EXPECT_FALSE(history.possible(version + 1, Clock::now()));
}

TEST_F(HistoryTest, ParityLooksAtWhatMayBeVisible) {
  written(Route::around);
  const Instant now = Clock::now() + milliseconds(1);
  EXPECT_TRUE(history.possible_parity(0, false, now));
  EXPECT_TRUE(history.possible_parity(1, true, now));
  EXPECT_FALSE(history.possible_parity(1, false, now));
}

TEST_F(HistoryTest, StalenessIsCountedFromTheFirstNewerVersion) {
  written(Route::around);
  const Instant first = Clock::now();
  std::this_thread::sleep_for(milliseconds(5));
  written(Route::around);
  const Instant now = Clock::now();
  EXPECT_GE(history.staleness(0, now), now - first);
  EXPECT_LT(history.staleness(1, now), now - first);
  EXPECT_EQ(history.staleness(2, now), Clock::duration::zero());
}

TEST(QueryTest, LiteralsTakeThePlaceOfParameters) {
  const Query query{"SELECT $1, $2, $10", {"1", "a", "3", "4", "5", "6", "7", "8", "9", "10"}};
  EXPECT_EQ(query.with_literals(), "SELECT 1, 'a', 10");
}

}  // namespace
}  // namespace checker
