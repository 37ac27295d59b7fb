#include "engine/seen.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

using cache::Dependency;
using cache::Entry;
using cache::EntryPtr;

/// Times in milliseconds; a lease was asked for at 100.
class SeenTest : public ::testing::Test {
 protected:
  static TimePoint at(int time) { return TimePoint(Duration(1'000'000 + time)); }

  EntryPtr made(std::vector<Dependency> dependencies, int begun, int filled) {
    Entry::Facts facts;
    facts.freshness = &freshness_;
    facts.dependencies = std::move(dependencies);
    facts.begun = at(begun);
    facts.filled = at(filled);
    return std::make_shared<const Entry>(cache::Key{"key", 1}, Bytes(), std::move(facts));
  }
  Dependency all(cache::Relation& relation) { return {&relation, &relation.whole(), 0}; }
  Dependency row(const char* key) { return {&users_, &users_.bucket(key), 0}; }
  void reads(const std::vector<Dependency>& dependencies, int time) {
    seen_.reading(dependencies);
    seen_.note_answer(at(time));
    seen_.end_answers();
  }

  const TimePoint lease_ = at(100);
  cache::Freshness freshness_{Duration(1'000)};
  cache::Relation users_{"public.users"};
  cache::Relation orders_{"public.orders"};
  Seen seen_;
};

TEST_F(SeenTest, NothingSeenForbidsNothing) {
  EXPECT_FALSE(seen_.is_beyond(*made({all(users_)}, 10, 20), lease_));
}

TEST_F(SeenTest, TheServersAnswerForbidsOlderEntriesOfTheSameRows) {
  reads({all(users_)}, 110);
  EXPECT_TRUE(seen_.is_beyond(*made({all(users_)}, 10, 20), lease_));
  EXPECT_TRUE(seen_.is_beyond(*made({row("5")}, 10, 20), lease_));
  EXPECT_FALSE(seen_.is_beyond(*made({all(orders_)}, 10, 20), lease_));
}

TEST_F(SeenTest, ALaterLeaseAllowsThem) {
  reads({all(users_)}, 110);
  EXPECT_FALSE(seen_.is_beyond(*made({all(users_)}, 10, 20), at(110)));
}

TEST_F(SeenTest, WhatBeganLaterIsAsNew) {
  reads({all(users_)}, 110);
  EXPECT_FALSE(seen_.is_beyond(*made({all(users_)}, 110, 120), lease_));
  EXPECT_TRUE(seen_.is_beyond(*made({all(users_)}, 109, 120), lease_)) << "its snapshot may be older";
}

TEST_F(SeenTest, OtherRowsByKeyDoNotMatter) {
  const Dependency five = row("5");
  std::string other = "6";
  while (row(other.c_str()).mark == five.mark) other += "6";
  reads({five}, 110);
  EXPECT_FALSE(seen_.is_beyond(*made({row(other.c_str())}, 10, 20), lease_));
  EXPECT_TRUE(seen_.is_beyond(*made({row("5")}, 10, 20), lease_));
  EXPECT_TRUE(seen_.is_beyond(*made({all(users_)}, 10, 20), lease_));
}

TEST_F(SeenTest, AnEntryDoesNotForbidItself) {
  const EntryPtr entry = made({all(users_)}, 90, 105);
  seen_.note_hit(*entry, lease_);
  EXPECT_FALSE(seen_.is_beyond(*entry, lease_));
  EXPECT_TRUE(seen_.is_beyond(*made({all(users_)}, 80, 85), lease_));
}

/// The statement was cancelled before the server answered.
TEST_F(SeenTest, AnAnswerThatMayComeAllowsNothing) {
  reads({row("5")}, 110);
  const EntryPtr entry = made({row("5")}, 105, 120);
  seen_.note_likeness(*entry, lease_);
  EXPECT_TRUE(seen_.is_beyond(*entry, lease_));
  entry->confirm(at(121));
  EXPECT_FALSE(seen_.is_beyond(*entry, lease_));
}

TEST_F(SeenTest, ManyStatementsUnderWayCountAsReadingEverything) {
  for (int i = 0; i < 100'000; ++i) seen_.reading(users_);
  seen_.note_answer(at(110));
  EXPECT_FALSE(seen_.is_beyond(*made({all(orders_)}, 10, 20), lease_)) << "one relation is one thing";
  for (int i = 0; i < 1'000; ++i) seen_.reading({row(std::to_string(i).c_str())});
  seen_.note_answer(at(110));
  EXPECT_TRUE(seen_.is_beyond(*made({all(orders_)}, 10, 20), lease_));
}

TEST_F(SeenTest, AnEntryFromBeforeTheLeaseForbidsNothing) {
  seen_.note_hit(*made({all(users_)}, 80, 90), lease_);
  EXPECT_FALSE(seen_.is_beyond(*made({all(users_)}, 70, 75), lease_));
}

TEST_F(SeenTest, WhatIsUnknownForbidsEverythingOlder) {
  seen_.reading_anything();
  seen_.note_answer(at(110));
  EXPECT_TRUE(seen_.is_beyond(*made({all(orders_)}, 10, 20), lease_));
  EXPECT_FALSE(seen_.is_beyond(*made({all(orders_)}, 111, 120), lease_));
}

/// Each miss would otherwise forbid the entries of the others, and a client that misses often would go on
/// missing for ever.
TEST_F(SeenTest, ManyMissesDoNotForbidOneAnother) {
  std::vector<EntryPtr> entries;
  for (int i = 0; i < 500; ++i) {
    const std::string key = std::to_string(i);
    reads({row(key.c_str())}, 110 + i);
    entries.push_back(made({row(key.c_str())}, 109 + i, 110 + i));
    seen_.note_hit(*entries.back(), lease_);
  }
  const auto allowed = std::ranges::count_if(
      entries, [this](const EntryPtr& entry) { return !seen_.is_beyond(*entry, lease_); });
  EXPECT_GT(allowed, 400) << "all but those that share a bucket";
}

/// At the level ttl no proof comes for hours.
TEST_F(SeenTest, WhatIsTooMuchToRememberCountsAsAnything) {
  const EntryPtr first = made({row("0")}, 9, 10);
  for (int i = 0; i < 10'000; ++i) reads({row(std::to_string(i).c_str())}, 110 + i);
  EXPECT_TRUE(seen_.is_beyond(*first, lease_));
  EXPECT_TRUE(seen_.is_beyond(*made({all(orders_)}, 109, 110), lease_));
  EXPECT_FALSE(seen_.is_beyond(*made({all(orders_)}, 20'000, 20'001), lease_));
}

TEST_F(SeenTest, AnEntryOfAllRowsIsOlderThanARowSeenLater) {
  const EntryPtr entry = made({all(users_)}, 104, 105);
  seen_.note_hit(*entry, lease_);
  EXPECT_FALSE(seen_.is_beyond(*entry, lease_));
  reads({row("5")}, 110);
  EXPECT_TRUE(seen_.is_beyond(*entry, lease_));
}

TEST_F(SeenTest, MoreThanItRemembersCountsAsEverything) {
  for (int i = 0; i < 30'000; ++i) reads({row(std::to_string(i).c_str())}, 110);
  EXPECT_TRUE(seen_.is_beyond(*made({all(orders_)}, 10, 20), lease_));
}

}  // namespace
}  // namespace forebay::engine
