#include "engine/own_writes.hpp"

#include <string>

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

class OwnWritesTest : public ::testing::Test {
 protected:
  /// Whether what was announced holds back rows with this key.
  bool holds_back(const std::string& key) {
    return items_.bucket(key).own_write() == now_ || items_.unkeyed().own_write() == now_;
  }
  void announce() { writes_.announce(freshness_, now_); }
  void SetUp() override { writes_.note_catalog(freshness_.catalog_number()); }

  TimePoint now_ = Clock::now();
  cache::Freshness freshness_{Duration(1'000)};
  cache::Relation items_{"public.items"};
  OwnWrites writes_;
};

TEST_F(OwnWritesTest, RowsAreAnnouncedByKey) {
  items_.bucket("1");
  writes_.add(items_, cache::Relation::bucket_of("1"));
  EXPECT_FALSE(writes_.is_empty());
  announce();
  EXPECT_TRUE(holds_back("1"));
  EXPECT_FALSE(holds_back("2"));
  EXPECT_EQ(items_.whole().own_write(), now_);
  EXPECT_TRUE(freshness_.lease_is_wanted());
}

TEST_F(OwnWritesTest, WhileNobodyReadsByKeyAllRowsAre) {
  writes_.add(items_, cache::Relation::bucket_of("1"));
  announce();
  EXPECT_TRUE(holds_back("2"));
}

TEST_F(OwnWritesTest, TooManyRowsAreTheWholeRelation) {
  items_.bucket("1");
  for (int key = 0; key < 200; ++key) writes_.add(items_, cache::Relation::bucket_of(std::to_string(key)));
  announce();
  EXPECT_TRUE(holds_back("of nobody"));
}

TEST_F(OwnWritesTest, WhatWasJudgedByAnotherCatalogMayBeAnything) {
  freshness_.begin_epoch(cache::Level::bounded, nullptr, now_);
  freshness_.renew_lease(now_ - Duration(1), 1);
  writes_.note_catalog(freshness_.catalog_number());
  writes_.add(items_);
  freshness_.replace_catalog(nullptr, now_);
  EXPECT_TRUE(freshness_.may_serve(now_));
  announce();
  EXPECT_FALSE(freshness_.may_serve(now_));
}

TEST_F(OwnWritesTest, WhatWasMadeElsewhereMayBeAnything) {
  items_.bucket("1");
  freshness_.begin_epoch(cache::Level::bounded, nullptr, now_);
  freshness_.renew_lease(now_ - Duration(1), 1);
  writes_.add(items_);
  writes_.forget_relations();
  announce();
  EXPECT_FALSE(holds_back("1"));
  EXPECT_FALSE(freshness_.may_serve(now_));
  writes_.clear();
  EXPECT_TRUE(writes_.is_empty());
}

}  // namespace
}  // namespace forebay::engine
