#include "cache/store.hpp"

#include <string>

#include <gtest/gtest.h>

namespace forebay::cache {
namespace {

constexpr std::size_t kCapacity = 4 << 20;
const Freshness kFreshness(Duration(1'000));

EntryPtr make_entry(const std::string& key, std::size_t size = 1000,
                    const Freshness& freshness = kFreshness) {
  const std::vector<std::byte> answer(size);
  Entry::Facts facts;
  facts.freshness = &freshness;
  return std::make_shared<const Entry>(Key{key, key_hash(key)}, answer, facts);
}

EntryPtr find(Store& store, const std::string& key) {
  return store.find({key, key_hash(key)});
}

TEST(Store, FindsWhatWasPut) {
  Store store(kCapacity);
  store.put(make_entry("a"));
  ASSERT_NE(find(store, "a"), nullptr);
  EXPECT_EQ(find(store, "a")->key(), "a");
  EXPECT_EQ(find(store, "b"), nullptr);
}

TEST(Store, TheLaterOneStays) {
  Store store(kCapacity);
  store.put(make_entry("a", 10));
  const EntryPtr later = make_entry("a", 20);
  store.put(later);
  EXPECT_EQ(find(store, "a"), later);
  EXPECT_EQ(store.figures().entries, 1U);
  EXPECT_EQ(store.figures().bytes, later->bytes());
}

TEST(Store, RemovesOnlyTheVeryOne) {
  Store store(kCapacity);
  const EntryPtr first = make_entry("a");
  store.put(first);
  const EntryPtr later = make_entry("a");
  store.put(later);
  store.remove(*first);
  EXPECT_EQ(find(store, "a"), later);
  store.remove(*later);
  EXPECT_EQ(find(store, "a"), nullptr);
  EXPECT_EQ(store.figures().bytes, 0U);
}

TEST(Store, NeverHoldsMoreThanItMay) {
  Store store(kCapacity);
  for (int i = 0; i < 20'000; ++i) {
    store.put(make_entry(std::to_string(i), static_cast<std::size_t>(i % 3000)));
    if (i % 1000 == 0) {
      ASSERT_LE(store.figures().bytes, kCapacity);
    }
  }
  EXPECT_LE(store.figures().bytes, kCapacity);
  EXPECT_GT(store.figures().bytes, kCapacity / 2);
  EXPECT_GT(store.figures().evicted, 0U);
}

TEST(Store, WhatIsInUseSurvivesAScan) {
  Store store(kCapacity);
  for (int i = 0; i < 100; ++i) store.put(make_entry("hot" + std::to_string(i)));
  for (int i = 0; i < 100; ++i) EXPECT_NE(find(store, "hot" + std::to_string(i)), nullptr);
  for (int i = 0; i < 50'000; ++i) store.put(make_entry("scan" + std::to_string(i)));
  int left = 0;
  for (int i = 0; i < 100; ++i) left += find(store, "hot" + std::to_string(i)) != nullptr ? 1 : 0;
  EXPECT_EQ(left, 100);
}

TEST(Store, WhatIsTooLargeIsNotTaken) {
  Store store(kCapacity);
  store.put(make_entry("a", store.largest() + 1));
  EXPECT_EQ(find(store, "a"), nullptr);
}

TEST(Store, ShrinksWhenItIsTold) {
  Store store(kCapacity);
  for (int i = 0; i < 3000; ++i) store.put(make_entry(std::to_string(i)));
  store.set_capacity(kCapacity / 4);
  EXPECT_LE(store.figures().bytes, kCapacity / 4);
  EXPECT_GT(store.figures().entries, 0U);
}

TEST(Store, ClearsWhatIsChosen) {
  const Freshness other(Duration(1'000));
  Store store(kCapacity);
  store.put(make_entry("a"));
  store.put(make_entry("b", 10, other));
  EXPECT_EQ(store.clear([&other](const Entry& entry) { return &entry.freshness() == &other; }), 1U);
  EXPECT_NE(find(store, "a"), nullptr);
  EXPECT_EQ(store.clear(), 1U);
  EXPECT_EQ(store.figures().entries, 0U);
}

TEST(Store, CountsHits) {
  Store store(kCapacity);
  store.put(make_entry("a"));
  find(store, "a");
  find(store, "a");
  std::uint64_t counted = 0;
  store.visit([&counted](const EntryPtr&, std::uint64_t hits) { counted = hits; });
  EXPECT_EQ(counted, 2U);
}

}  // namespace
}  // namespace forebay::cache
