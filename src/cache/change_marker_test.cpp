#include "cache/change_marker.hpp"

#include <string>

#include <gtest/gtest.h>

namespace forebay::cache {
namespace {

constexpr TransactionId kNear = (TransactionId{5} << 32) + 1000;

class ChangeMarkerTest : public testing::Test {
 protected:
  ChangeMarkerTest() { table.set_key({KeyKind::integer, "id"}); }

  void note(const std::string& line) { EXPECT_TRUE(marker.note(line)) << line; }
  void note_transaction(const std::string& change) {
    note("BEGIN 1001");
    note(change);
    note("COMMIT 1001");
  }
  std::uint64_t bucket(std::string_view key) { return table.bucket(key).changes(); }
  std::uint64_t unkeyed() { return table.unkeyed().changes(); }

  Freshness freshness{Duration(1000)};
  Relation& table = *freshness.intern_relation("public.t");
  ChangeMarker marker{freshness, kNear};
  std::uint64_t buckets_exist_ = bucket("0");  ///< from the first look on, keys are counted
};

TEST(Widened, IsTheNearestNumber) {
  EXPECT_EQ(widened(1001, kNear), kNear + 1);
  EXPECT_EQ(widened(999, kNear), kNear - 1);
  EXPECT_EQ(widened(0xffff'fff0U, kNear), (TransactionId{4} << 32) + 0xffff'fff0U);
  EXPECT_EQ(widened(3, (TransactionId{4} << 32) + 0xffff'fff0U), (TransactionId{5} << 32) + 3);
  EXPECT_EQ(widened(3, 0xffff'fff0U), (TransactionId{1} << 32) + 3);
  EXPECT_EQ(widened(700, 750), 700U);
}

TEST_F(ChangeMarkerTest, AChangeIsNotedByItsKey) {
  const std::uint64_t others = unkeyed();
  note_transaction("table public.t: INSERT: id[integer]:5 v[text]:'x'");
  EXPECT_EQ(bucket("5"), 1U);
  EXPECT_EQ(bucket("6"), 0U);
  EXPECT_EQ(unkeyed(), others);
  EXPECT_EQ(table.whole().changes(), 1U);
  EXPECT_EQ(table.whole().newest(), kNear + 1);
  EXPECT_EQ(table.bucket("5").newest(), kNear + 1);
}

TEST_F(ChangeMarkerTest, OldAndNewKeyAreBothNoted) {
  note_transaction("table public.t: UPDATE: old-key: id[integer]:5 new-tuple: id[integer]:7 v[text]:'x'");
  EXPECT_EQ(bucket("5"), 1U);
  EXPECT_EQ(bucket("7"), 1U);
}

TEST_F(ChangeMarkerTest, WithoutAKeyAllRowsAreNoted) {
  const std::uint64_t before = unkeyed();
  note_transaction("table public.t: DELETE: (no-tuple-data)");
  EXPECT_EQ(unkeyed(), before + 1);
  note_transaction("table public.t: INSERT: other[integer]:5");
  EXPECT_EQ(unkeyed(), before + 2);
  note_transaction("table public.a, public.t: TRUNCATE: (no-flags)");
  EXPECT_EQ(unkeyed(), before + 3);
  EXPECT_EQ(table.unkeyed().newest(), kNear + 1);
}

TEST_F(ChangeMarkerTest, ManyRowsAreNotedAsAll) {
  const std::uint64_t before = unkeyed();
  note("BEGIN 1001");
  for (std::size_t i = 0; i < 3 * ChangeMarker::kRowsByKey; ++i) {
    note("table public.t: INSERT: id[integer]:" + std::to_string(i));
  }
  note("COMMIT 1001");
  EXPECT_EQ(unkeyed(), before + 1);
  EXPECT_EQ(bucket("999"), 1U);
  note_transaction("table public.t: INSERT: id[integer]:1");  // the next transaction counts from the start
  EXPECT_EQ(unkeyed(), before + 1);
}

TEST_F(ChangeMarkerTest, UnknownRelationsAreLetPass) {
  note_transaction("table public.x: INSERT: id[integer]:5");
  EXPECT_EQ(freshness.find_relation("public.x"), nullptr);
}

TEST_F(ChangeMarkerTest, WhatIsNotUnderstoodIsSaid) {
  EXPECT_FALSE(marker.note("table public.t: INSERT: id[integer]:5"));  // outside a transaction
  EXPECT_FALSE(marker.note("COMMIT 1001"));
  EXPECT_FALSE(marker.note("PREPARE TRANSACTION 'x', txid 1001"));
  note("BEGIN 1001");
  EXPECT_FALSE(marker.note("BEGIN 1002"));
  EXPECT_FALSE(marker.note("COMMIT 1002"));
  EXPECT_FALSE(marker.note("table public.t: INSERT: id[integer]"));
}

// What was decoded before its relation was known may become visible only later.
TEST_F(ChangeMarkerTest, ANewRelationCountsAsChangedByWhatWasDecoded) {
  note_transaction("table public.later: INSERT: id[integer]:5");
  Relation* later = marker.intern("public.later");
  EXPECT_EQ(later->whole().newest(), kNear + 1);
  EXPECT_EQ(later->unkeyed().newest(), kNear + 1);
  EXPECT_EQ(marker.intern("public.later"), later);
  EXPECT_EQ(later->whole().changes(), 1U);
  note_transaction("table public.later: INSERT: id[integer]:5");
  EXPECT_EQ(later->whole().changes(), 2U);
}

// Commits from before the stream's beginning are not in it, and may become visible only later.
TEST_F(ChangeMarkerTest, TheFirstCatalogCountsAsChangedByAllThatIsOlder) {
  marker.begin_first_catalog(kNear + 50);
  EXPECT_EQ(marker.intern("public.t"), &table);
  EXPECT_EQ(table.unkeyed().newest(), kNear + 50);
  marker.end_first_catalog();
}

TEST_F(ChangeMarkerTest, AnotherKeyMakesOldChangesUnknown) {
  note_transaction("table public.t: INSERT: id[integer]:5");
  const std::uint64_t before = unkeyed();
  table.set_key({KeyKind::integer, "other"});
  EXPECT_EQ(unkeyed(), before + 1);
  EXPECT_EQ(table.unkeyed().newest(), kNear + 1);
}

TEST_F(ChangeMarkerTest, NoMessageIsOursWhenNoneIsExpected) {
  note_transaction("message: transactional: 1 prefix: forebay, sz: 0 content:");
  EXPECT_EQ(marker.others(), 1U);
}

TEST_F(ChangeMarkerTest, OnlyTheTransactionOfTheExpectedMessageIsNotAnother) {
  marker.begin_first_catalog(kNear);
  marker.expect_message("1");
  note_transaction("message: transactional: 1 prefix: forebay, sz: 1 content:1");
  EXPECT_EQ(marker.others(), 0U);
  EXPECT_FALSE(marker.others_are_below(kNear)) << "what was before the stream may not be visible yet";
  EXPECT_TRUE(marker.others_are_below(kNear + 1));

  note_transaction("message: transactional: 1 prefix: forebay, sz: 1 content:1");
  EXPECT_EQ(marker.others(), 1U) << "somebody else said the same";
  note("BEGIN 1002");
  note("COMMIT 1002");
  EXPECT_EQ(marker.others(), 2U) << "a change of the schema prints nothing";
  EXPECT_FALSE(marker.others_are_below(kNear + 2));
  EXPECT_TRUE(marker.others_are_below(kNear + 3));
}

}  // namespace
}  // namespace forebay::cache
