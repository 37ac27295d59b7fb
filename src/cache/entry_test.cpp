#include "cache/entry.hpp"

#include <gtest/gtest.h>

namespace forebay::cache {
namespace {

constexpr Duration kBound{1'000};

/// A database with one relation, a stream that runs and a lease.
class EntryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    freshness_.begin_epoch(Level::bounded, nullptr, now_);
    freshness_.renew_lease(now_, 100);
  }

  Entry made(std::vector<Dependency> dependencies) {
    const std::string key = "key";
    return Entry({key, key_hash(key)}, as_bytes("answer"),
                 {.freshness = &freshness_,
                  .fence = freshness_.fence(),
                  .dependencies = std::move(dependencies),
                  .tags = {},
                  .expires = now_ + Duration(300'000),
                  .begun = now_,
                  .filled = now_,
                  .rows = 1,
                  .fill_micros = 10,
                  .place = 0});
  }
  Dependency on(const ChangeMark& mark) { return {&users_, &mark, mark.changes()}; }
  bool is_served(const Entry& entry) const {
    return freshness_.may_serve(now_) && entry.is_fresh(now_, freshness_.lease());
  }

  TimePoint now_ = Clock::now();
  Freshness freshness_{kBound};
  Relation users_{"public.users"};
};

TEST_F(EntryTest, IsServedWhileNothingChanges) {
  const Entry entry = made({on(users_.whole())});
  EXPECT_TRUE(entry.may_be_kept());
  EXPECT_TRUE(is_served(entry));
}

TEST_F(EntryTest, ItsLifeEnds) {
  const Entry entry = made({});
  now_ += Duration(300'000);
  freshness_.renew_lease(now_, 100);
  freshness_.confirm_catalog(now_);
  EXPECT_FALSE(is_served(entry));
}

TEST_F(EntryTest, AChangeEndsIt) {
  const Entry entry = made({on(users_.whole())});
  users_.note_change(101);
  EXPECT_FALSE(is_served(entry));
  EXPECT_TRUE(entry.is_dead(now_));
}

TEST_F(EntryTest, AFillThatBeganBeforeTheChangeIsNotKept) {
  const Entry entry = made({on(users_.whole())});
  users_.note_change(50);
  EXPECT_FALSE(entry.may_be_kept());
}

/// Decoded when it was flushed, but held back by a synchronous standby: no snapshot sees it yet.
TEST_F(EntryTest, AFillThatDoesNotSeeAnEarlierChangeIsNotKept) {
  users_.note_change(100);
  const Entry entry = made({on(users_.whole())});
  EXPECT_FALSE(entry.may_be_kept());
  freshness_.renew_lease(now_, 101);
  EXPECT_TRUE(made({on(users_.whole())}).may_be_kept());
}

TEST_F(EntryTest, NothingIsServedWithoutALeaseWithinTheBound) {
  const Entry entry = made({});
  now_ += kBound;
  EXPECT_TRUE(is_served(entry));
  now_ += Duration(1);
  EXPECT_FALSE(is_served(entry));
}

TEST_F(EntryTest, NothingIsServedUnderACatalogThatNobodyConfirms) {
  const Entry entry = made({});
  now_ += kBound + Duration(1);
  freshness_.renew_lease(now_, 100);
  EXPECT_FALSE(is_served(entry));
  freshness_.confirm_catalog(now_);
  EXPECT_TRUE(is_served(entry));
}

TEST_F(EntryTest, AnotherCatalogEndsIt) {
  const Entry entry = made({});
  freshness_.replace_catalog(nullptr, now_);
  EXPECT_FALSE(is_served(entry));
  EXPECT_FALSE(entry.may_be_kept());
}

TEST_F(EntryTest, TheEndOfTheStreamEndsIt) {
  const Entry entry = made({});
  freshness_.end_epoch("lost");
  EXPECT_FALSE(is_served(entry));
  freshness_.begin_epoch(Level::bounded, nullptr, now_);
  freshness_.renew_lease(now_, 100);
  EXPECT_FALSE(is_served(entry));
}

TEST_F(EntryTest, NothingIsKeptBeforeTheFirstLease) {
  freshness_.begin_epoch(Level::bounded, nullptr, now_);
  EXPECT_FALSE(made({}).may_be_kept());
}

TEST_F(EntryTest, AnOwnWriteWaitsForALeaseThatWasAskedForLater) {
  const Entry entry = made({on(users_.whole())});
  now_ += Duration(10);
  freshness_.note_own_write(users_, now_);
  EXPECT_FALSE(is_served(entry));
  freshness_.renew_lease(now_ - Duration(1), 100);
  EXPECT_FALSE(is_served(entry));
  freshness_.renew_lease(now_, 100);
  EXPECT_TRUE(is_served(entry)) << "the write changed other relations than it might have";
}

TEST_F(EntryTest, AnOwnWriteElsewhereDoesNotMatter) {
  Relation orders("public.orders");
  const Entry entry = made({on(users_.whole())});
  freshness_.note_own_write(orders, now_ + Duration(10));
  EXPECT_TRUE(is_served(entry));
}

TEST_F(EntryTest, AnUnknownOwnWriteConcernsEverything) {
  const Entry entry = made({});
  freshness_.note_own_write(now_ + Duration(10));
  EXPECT_FALSE(is_served(entry));
}

TEST_F(EntryTest, AnOwnSchemaChangeWaitsForTheCatalog) {
  const Entry entry = made({});
  freshness_.note_own_schema_change(now_ + Duration(10));
  now_ += Duration(20);
  freshness_.renew_lease(now_, 100);
  EXPECT_FALSE(is_served(entry));
  freshness_.confirm_catalog(now_);
  EXPECT_TRUE(is_served(entry));
}

TEST_F(EntryTest, ByKeyItSurvivesChangesOfOtherRows) {
  const ChangeMark& bucket = users_.bucket("5");
  const Entry entry = made({on(bucket), on(users_.unkeyed())});
  std::string other = "6";
  while (&users_.bucket(other) == &bucket) other += "6";
  users_.note_change(101, other);
  EXPECT_TRUE(is_served(entry));
  users_.note_change(102, "5");
  EXPECT_FALSE(is_served(entry));
}

TEST_F(EntryTest, ByKeyItDoesNotSurviveATruncate) {
  const ChangeMark& bucket = users_.bucket("5");
  const Entry entry = made({on(bucket), on(users_.unkeyed())});
  users_.note_change(101);
  EXPECT_FALSE(is_served(entry));
}

/// What was noted before anybody read by key is not in the buckets.
TEST_F(EntryTest, TheFirstReadByKeySeesEarlierChanges) {
  users_.note_change(100, "5");
  const ChangeMark& bucket = users_.bucket("5");
  EXPECT_FALSE(made({on(bucket), on(users_.unkeyed())}).may_be_kept());
}

TEST(KeyHash, DiffersForTextsThatDiffer) {
  EXPECT_NE(key_hash(""), key_hash(std::string_view("\0", 1)));
  EXPECT_NE(key_hash("abcdefg"), key_hash(std::string_view("abcdefg\0", 8)));
  EXPECT_NE(key_hash("abcdefgh"), key_hash("abcdefgi"));
  EXPECT_EQ(key_hash("abcdefgh12345"), key_hash("abcdefgh12345"));
  EXPECT_EQ(key_hash({3, 5}), key_hash({3, 5}));
  EXPECT_NE(key_hash({3, 5}), key_hash({5, 3}));
  EXPECT_NE(key_hash({0, 3}), key_hash({3})) << "leading zeros count";
}

TEST(CanonicalKey, HasOneSpelling) {
  EXPECT_EQ(canonical_key(KeyKind::integer, "-15"), "-15");
  for (const char* odd : {"", "-", "-0", "05", "+5", " 5", "5.0", "1e3", "12345678901234567890"}) {
    EXPECT_EQ(canonical_key(KeyKind::integer, odd), "") << odd;
  }
  EXPECT_EQ(canonical_key(KeyKind::text, "a b"), "a b");
  EXPECT_EQ(canonical_key(KeyKind::text, "\xc3\xa4"), "");
  EXPECT_EQ(canonical_key(KeyKind::uuid, "123e4567-e89b-12d3-a456-426614174000"),
            "123e4567-e89b-12d3-a456-426614174000");
  EXPECT_EQ(canonical_key(KeyKind::uuid, "123E4567-e89b-12d3-a456-426614174000"), "");
  EXPECT_EQ(canonical_key(KeyKind::none, "5"), "");
}

TEST_F(EntryTest, TheProofIsThatOfRowsAndOfTheCatalog) {
  freshness_.confirm_catalog(now_ + Duration(5));
  freshness_.renew_lease(now_ + Duration(50), 100);
  EXPECT_EQ(freshness_.proof(now_), now_ + Duration(5));
  freshness_.note_unchanged_catalog(now_ + Duration(50));
  EXPECT_EQ(freshness_.proof(now_), now_ + Duration(50));
  freshness_.confirm_catalog(now_ + Duration(70));
  EXPECT_EQ(freshness_.proof(now_), now_ + Duration(50)) << "the lease's";
  freshness_.end_epoch("test");
  EXPECT_EQ(freshness_.proof(now_), TimePoint{});
  EXPECT_EQ(freshness_.fence().all_visible_below, 0U) << "the next epoch is another server's, perhaps";
}

/// As above, at the level ttl.
class TtlEntryTest : public EntryTest {
 protected:
  void SetUp() override {
    freshness_.begin_epoch(Level::ttl, nullptr, now_);
    freshness_.renew_lease(now_, kNoTransaction);
  }
};

TEST_F(TtlEntryTest, AnOwnWriteEndsWhatBeganBeforeIt) {
  const Entry entry = made({on(users_.whole())});
  freshness_.note_own_write(users_, now_);
  EXPECT_TRUE(entry.is_dead(now_));
  EXPECT_FALSE(entry.may_be_kept()) << "had it been under way";
  const Entry later = made({on(users_.whole())});
  EXPECT_TRUE(later.may_be_kept());
  EXPECT_TRUE(is_served(later)) << "no lease has to come";
}

TEST_F(TtlEntryTest, AnOwnWriteByKeyEndsWhatMayHoldTheRow) {
  const ChangeMark& one = users_.bucket("1");
  std::string key = "2";
  while (&users_.bucket(key) == &one) key += "2";
  const Entry whole = made({on(users_.whole())});
  const Entry row = made({on(one), on(users_.unkeyed())});
  const Entry other = made({on(users_.bucket(key)), on(users_.unkeyed())});
  freshness_.note_own_write(users_, Relation::bucket_of("1"), now_);
  EXPECT_TRUE(whole.is_dead(now_));
  EXPECT_TRUE(row.is_dead(now_));
  EXPECT_TRUE(is_served(other));
}

TEST_F(TtlEntryTest, AnOwnWriteOfAnythingEndsEverything) {
  const Entry entry = made({});
  freshness_.note_own_write(now_);
  EXPECT_TRUE(entry.is_dead(now_));
  EXPECT_FALSE(entry.may_be_kept());
  EXPECT_TRUE(is_served(made({})));
  freshness_.end_epoch("test");
  freshness_.note_own_write(now_);
  EXPECT_EQ(freshness_.epoch(), 0U) << "a write begins no level";
}

TEST_F(TtlEntryTest, AChangeOfAnEarlierEpochHoldsNothingBack) {
  users_.note_change(100);
  EXPECT_TRUE(made({on(users_.whole())}).may_be_kept());
}

/// An entry is as old as its beginning, whatever leases have come since.
TEST_F(TtlEntryTest, TheProofIsThatOfTheOldestThatMayLive) {
  freshness_.note_lifetime(Duration(60'000));
  freshness_.note_lifetime(Duration(5'000));
  EXPECT_LE(freshness_.proof(now_), now_ - Duration(60'000));
  EXPECT_GT(freshness_.proof(now_), now_ - Duration(61'000));
}

}  // namespace
}  // namespace forebay::cache
