#include "base/ring.hpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace forebay {
namespace {

TEST(RingTest, KeepsTheOrderWhileItGrowsAroundItsEnd) {
  Ring<int> ring;
  int pushed = 0;
  int popped = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 5; ++i) ring.push_back(pushed++);
    for (int i = 0; i < 3; ++i, ring.pop_front()) ASSERT_EQ(ring.front(), popped++);
  }
  EXPECT_EQ(ring.size(), 100U);
  EXPECT_EQ(ring.back(), pushed - 1);
  for (std::size_t i = 0; i < ring.size(); ++i) EXPECT_EQ(ring[i], popped + static_cast<int>(i));
}

TEST(RingTest, WhatIsAddedIsNewThoughItsPlaceWasTaken) {
  Ring<std::shared_ptr<int>> ring;
  const auto item = std::make_shared<int>(1);
  ring.push_back(item);
  ring.pop_front();
  EXPECT_EQ(item.use_count(), 1) << "nothing is kept of what has left";
  EXPECT_EQ(ring.add(), nullptr);
}

std::vector<int> items_of(const Ring<int>& ring) {
  std::vector<int> items;
  for (std::size_t i = 0; i < ring.size(); ++i) items.push_back(ring[i]);
  return items;
}

TEST(RingTest, WhatIsErasedLeavesTheOthersInTheirOrder) {
  Ring<int> ring;
  for (int i = 0; i < 6; ++i) ring.push_back(i);
  for (int i = 0; i < 5; ++i) ring.pop_front();
  for (int i = 6; i < 13; ++i) ring.push_back(i);  // eight places, and these begin at the sixth
  const auto is_even = [](int item) { return item % 2 == 0; };
  ring.erase_if(1, 1, is_even);
  ring.erase_if(0, ring.size(), [](int) { return false; });
  EXPECT_EQ(items_of(ring), (std::vector{5, 6, 7, 8, 9, 10, 11, 12}));
  ring.erase_if(1, 6, is_even);
  EXPECT_EQ(items_of(ring), (std::vector{5, 7, 9, 11, 12})) << "the last one stands behind those";
  ring.push_back(13);
  ring.erase_if(0, 2, [](int) { return true; });
  EXPECT_EQ(items_of(ring), (std::vector{9, 11, 12, 13}));
  ring.erase_if(0, ring.size(), [](int) { return true; });
  EXPECT_TRUE(ring.empty());
  ring.push_back(14);
  EXPECT_EQ(items_of(ring), std::vector{14});
}

TEST(RingTest, NothingIsKeptOfWhatIsErased) {
  Ring<std::shared_ptr<int>> ring;
  std::vector<std::shared_ptr<int>> items;
  for (int i = 0; i < 4; ++i) ring.push_back(items.emplace_back(std::make_shared<int>(i)));
  ring.erase_if(1, 4, [](const auto& item) { return *item != 2; });
  ASSERT_EQ(ring.size(), 2U);
  EXPECT_EQ(ring[0], items[0]);
  EXPECT_EQ(ring[1], items[2]);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(items[i].use_count(), i % 2 == 0 ? 2 : 1) << i;
  EXPECT_EQ(ring.add(), nullptr);
}

TEST(RingTest, ShrinksToItsSmallestBlock) {
  Ring<int> ring;
  ring.push_back(1);
  const int* const place = &ring.front();
  ring.shrink();
  EXPECT_TRUE(ring.empty());
  ring.push_back(2);
  EXPECT_EQ(&ring.front(), place) << "which is asked for once";
  for (int i = 0; i < 100; ++i) ring.push_back(i);
  ring.shrink();
  ring.push_back(3);
  EXPECT_EQ(ring.size(), 1U);
  EXPECT_EQ(ring.front(), 3);
}

}  // namespace
}  // namespace forebay
