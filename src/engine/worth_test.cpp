#include "engine/worth.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

class WorthTest : public ::testing::Test {
 protected:
  /// A new question each time.
  bool is_worth() { return worth_->is_worth(kPlace, next_key_ += 0x1234'5678'9ab1); }
  void keep(int count) {
    for (int i = 0; i < count; ++i) worth_->note_kept(kPlace);
  }
  void use(int count) {
    for (int i = 0; i < count; ++i) worth_->note_used(kPlace);
  }

  static constexpr Worth::Place kPlace = 7;
  std::unique_ptr<Worth> worth_ = std::make_unique<Worth>();
  std::uint64_t next_key_ = 1;
};

TEST_F(WorthTest, WhatIsNewIs) {
  EXPECT_TRUE(is_worth());
  keep(500);
  EXPECT_TRUE(is_worth());
}

TEST_F(WorthTest, WhatIsNeverAskedForAgainIsNot) {
  keep(600);
  EXPECT_FALSE(is_worth());
  EXPECT_TRUE(worth_->is_worth(kPlace + 1, 1)) << "another statement";
}

TEST_F(WorthTest, WhatIsAskedForTwiceIsNevertheless) {
  keep(600);
  EXPECT_FALSE(worth_->is_worth(kPlace, 42ULL << 20U));
  EXPECT_TRUE(worth_->is_worth(kPlace, 42ULL << 20U));
}

TEST_F(WorthTest, AFewAreKeptToSeeWhetherTheyAreAskedForAgain) {
  keep(600);
  int kept = 0;
  for (int i = 0; i < 3200; ++i) kept += is_worth() ? 1 : 0;
  EXPECT_EQ(kept, 100);
}

TEST_F(WorthTest, QuestionsThatAreAskedTwiceEachEndTheCaution) {
  keep(100'000);
  EXPECT_FALSE(is_worth());
  int asked = 0;
  for (; asked < 10'000 && !is_worth(); ++asked) worth_->is_worth(kPlace, next_key_);
  EXPECT_LT(asked, 1000);
}

TEST_F(WorthTest, ItRecoversWhenResultsAreAskedForAgain) {
  keep(100'000);
  EXPECT_FALSE(is_worth());
  use(300);
  EXPECT_TRUE(is_worth());
  keep(100'000);
  EXPECT_FALSE(is_worth());
}

}  // namespace
}  // namespace forebay::engine
