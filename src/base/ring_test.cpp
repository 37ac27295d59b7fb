#include "base/ring.hpp"

#include <memory>

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
