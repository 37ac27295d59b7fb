#include "engine/refills.hpp"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "cache/freshness.hpp"

namespace forebay::engine {
namespace {

/// One database with a stream, and entries that depend on one relation.
class RefillsTest : public testing::Test {
 protected:
  RefillsTest() {
    freshness_.begin_epoch(cache::Level::bounded, std::make_shared<const cache::Catalog>(), now_);
    see_all_below(100);
  }

  void see_all_below(cache::TransactionId id) { freshness_.renew_lease(now_, id); }

  cache::EntryPtr entry(const std::string& key, Duration lifetime = Duration(60'000)) {
    const cache::ChangeMark& mark = relation_.whole();
    cache::Entry::Facts facts;
    facts.freshness = &freshness_;
    facts.fence = freshness_.fence();
    facts.dependencies = {{&relation_, &mark, mark.changes()}};
    facts.expires = now_ + lifetime;
    facts.is_written_through = true;
    return std::make_shared<const cache::Entry>(cache::Key{key, cache::key_hash(key)}, Bytes(),
                                                std::move(facts));
  }

  Asker asker() { return {&loop_, {}, 0, nullptr, nullptr}; }

  std::string next() {
    auto refill = refills_.take(loop_);
    return refill ? refill->key : "";
  }

  const TimePoint now_ = Clock::now();
  net::Loop loop_;
  cache::Freshness freshness_{Duration(1'000)};
  cache::Relation& relation_ = *freshness_.intern_relation("public.items");
  Refills refills_;
};

TEST_F(RefillsTest, WhatAWriteEndsIsAskedForOnceTheWriteCanBeSeen) {
  const auto watched = entry("a");
  refills_.watch(asker(), watched);
  refills_.look(now_);
  EXPECT_EQ(next(), "");
  relation_.note_change(100);
  EXPECT_TRUE(refills_.look(now_));
  EXPECT_EQ(next(), "") << "a fill could not see it yet";
  see_all_below(101);
  EXPECT_FALSE(refills_.look(now_));
  EXPECT_EQ(next(), "a");
}

TEST_F(RefillsTest, WhatHasExpiredOrIsGoneIsForgotten) {
  refills_.watch(asker(), entry("gone"));
  const auto expires = entry("expires", Duration(1'000));
  refills_.watch(asker(), expires);
  EXPECT_TRUE(refills_.look(now_));
  EXPECT_FALSE(refills_.look(now_ + Duration(1'000)));
  EXPECT_EQ(next(), "");
}

TEST_F(RefillsTest, IsBounded) {
  int taken_up = 0;
  for (int i = 0; i < 1'000; ++i) taken_up += refills_.ask_for(asker(), std::to_string(i), 0) ? 1 : 0;
  EXPECT_EQ(taken_up, 256);
  EXPECT_EQ(next(), "0");
  EXPECT_TRUE(refills_.ask_for(asker(), std::string(100'000, 'x'), 0)) << "nobody is to come back with it";
  for (int i = 1; i < 256; ++i) EXPECT_EQ(next(), std::to_string(i));
  EXPECT_EQ(next(), "");
}

TEST_F(RefillsTest, EachLoopGetsWhatItsOwnSessionsAskedFor) {
  net::Loop other;
  EXPECT_TRUE(refills_.ask_for({&other, {}, 0, nullptr, nullptr}, "other's", 0));
  EXPECT_TRUE(refills_.ask_for(asker(), "ours", 0));
  EXPECT_EQ(next(), "ours");
  auto refill = refills_.take(other);
  ASSERT_TRUE(refill);
  refills_.put_back(std::move(*refill));
  EXPECT_EQ(next(), "");
  EXPECT_EQ(refills_.take(other)->key, "other's");
}

}  // namespace
}  // namespace forebay::engine
