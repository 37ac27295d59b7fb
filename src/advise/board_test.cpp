#include "advise/board.hpp"

#include <gtest/gtest.h>

#include "advise/test_moments.hpp"

namespace forebay::advise {
namespace {

// Two kinds of the test's own. What is found, and what is measured, stands in moments: `store_bytes` is a
// wait in milliseconds, which is too long from 100 on; `evictions` counts what is done; `most_clients` is the
// setting.

std::vector<Recommendation> find_waits(const Evidence& evidence) {
  if (evidence.now().store_bytes < 100) return {};
  return {{.id = "waits:one", .urgency = Urgency::soon, .title = "Wait less"}};
}
std::vector<Recommendation> find_other(const Evidence& evidence) {
  if (!evidence.now().databases.empty())
    return {{.id = "other:one", .urgency = Urgency::now, .title = "Do it"}};
  return {};
}
Measure wait_of(const Evidence& evidence) {
  const auto done = static_cast<double>(evidence.now().evictions - evidence.before().evictions);
  return {.amount = static_cast<double>(evidence.now().store_bytes) * done, .weight = done, .traffic = done};
}
std::optional<Measure> measure_without(const Evidence& evidence, const Recommendation&) {
  return wait_of(evidence);
}
std::optional<Measure> measure_with(const Evidence& evidence, const Recommendation&) {
  Measure measure = wait_of(evidence);
  measure.setting = std::to_string(evidence.now().most_clients);
  return measure;
}

constexpr Kind kWithSetting = {.name = "waits",
                               .find = find_waits,
                               .figure = "wait",
                               .unit = Unit::milliseconds,
                               .measure = measure_with};
constexpr Kind kWithout = {.name = "waits",
                           .find = find_waits,
                           .figure = "wait",
                           .unit = Unit::milliseconds,
                           .measure = measure_without};
constexpr Kind kOther = {.name = "other", .find = find_other};

/// A board with a clock of the test's own: five seconds pass with each moment.
class BoardTest : public testing::Test {
 protected:
  /// So for some looks: this wait, so much done in each, and this setting.
  void looks(int count, std::uint64_t wait, std::uint64_t done, std::uint64_t setting) {
    for (; count > 0; --count) {
      Moment moment = test::calm(second_ += 5);
      moment.store_bytes = wait;
      moment.evictions = done_ += done;
      moment.most_clients = setting;
      moment.databases.resize(has_other_ ? 1 : 0);
      board_->take(std::make_shared<const Moment>(std::move(moment)));
    }
  }
  void use(const Kind& kind) {
    kinds_ = {&kind, &kOther};
    board_.emplace(kinds_);
    looks(1, 0, 100, 2);
  }

  std::vector<const Kind*> kinds_;
  std::optional<Board> board_;
  bool has_other_ = false;
  int second_ = 0;
  std::uint64_t done_ = 0;
};

TEST_F(BoardTest, TheMostUrgentComesFirst) {
  use(kWithSetting);
  has_other_ = true;
  looks(1, 400, 100, 2);
  const auto open = board_->open();
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[0].what.kind, "other");
  EXPECT_EQ(open[1].what.kind, "waits");
  EXPECT_DOUBLE_EQ(open[0].since, 1e9 + second_);
}

TEST_F(BoardTest, WhatWasDoneIsMeasuredForAMinuteAfterwards) {
  use(kWithSetting);
  looks(10, 400, 100, 2);
  looks(1, 40, 200, 8);
  EXPECT_TRUE(board_->open().empty());
  ASSERT_EQ(board_->pending().size(), 1U);
  looks(10, 40, 200, 8);
  EXPECT_TRUE(board_->ended().empty()) << "55 seconds";
  looks(1, 40, 200, 8);
  ASSERT_EQ(board_->ended().size(), 1U);
  const Ended& ended = board_->ended().front();
  ASSERT_TRUE(ended.effect);
  EXPECT_DOUBLE_EQ(ended.effect->before, 400);
  EXPECT_DOUBLE_EQ(ended.effect->after, 40);
  EXPECT_DOUBLE_EQ(ended.effect->seconds, 60);
  EXPECT_TRUE(board_->pending().empty());
}

TEST_F(BoardTest, WhatIsDoneAtOnceIsMeasuredToo) {
  use(kWithSetting);
  looks(1, 400, 100, 2);
  looks(12, 40, 100, 8);
  ASSERT_EQ(board_->ended().size(), 1U);
  ASSERT_TRUE(board_->ended().front().effect);
  EXPECT_DOUBLE_EQ(board_->ended().front().effect->before, 400);
}

TEST_F(BoardTest, WhatWasDoneInVainIsMeasuredAndRecommendedAgain) {
  use(kWithSetting);
  looks(10, 400, 100, 2);
  looks(12, 300, 100, 3);
  ASSERT_EQ(board_->ended().size(), 1U);
  EXPECT_DOUBLE_EQ(board_->ended().front().effect->after, 300);
  ASSERT_EQ(board_->open().size(), 1U);
  EXPECT_DOUBLE_EQ(board_->open()[0].since, 1e9 + second_);
}

TEST_F(BoardTest, WithLessToDoNothingIsProved) {
  use(kWithSetting);
  looks(10, 400, 100, 2);
  looks(30, 1, 49, 8);
  ASSERT_EQ(board_->pending().size(), 1U);
  EXPECT_EQ(board_->pending()[0].measured_seconds, 0) << "less than half of what there was to do";
  looks(3, 40, 50, 8);
  EXPECT_EQ(board_->pending()[0].measured_seconds, 15);
  looks(100, 0, 0, 8);
  ASSERT_EQ(board_->ended().size(), 1U);
  EXPECT_FALSE(board_->ended().front().effect) << "ten minutes later it is no longer seen";
}

TEST_F(BoardTest, WhatVanishesWithoutAChangeIsNoLongerSeen) {
  use(kWithSetting);
  looks(10, 400, 100, 2);
  looks(7, 1, 100, 2);
  ASSERT_EQ(board_->ended().size(), 1U);
  EXPECT_FALSE(board_->ended().front().effect) << "nobody did anything, so nothing was gained";
}

TEST_F(BoardTest, WhatComesBackAtOnceIsTheSame) {
  use(kWithSetting);
  looks(1, 400, 100, 2);
  const double since = board_->open()[0].since;
  looks(2, 1, 100, 2);
  EXPECT_TRUE(board_->open().empty());
  looks(1, 400, 100, 2);
  ASSERT_EQ(board_->open().size(), 1U);
  EXPECT_DOUBLE_EQ(board_->open()[0].since, since);
  EXPECT_TRUE(board_->ended().empty());
}

TEST_F(BoardTest, WhatHasNoSettingIsMeasuredSinceItsFigureFell) {
  use(kWithout);
  looks(10, 400, 100, 2);
  looks(4, 100, 100, 2);  // found still, but the figure has fallen
  looks(1, 0, 100, 2);
  ASSERT_EQ(board_->pending().size(), 1U);
  EXPECT_DOUBLE_EQ(board_->pending()[0].measured_seconds, 25);
  looks(7, 0, 100, 2);
  ASSERT_EQ(board_->ended().size(), 1U);
  ASSERT_TRUE(board_->ended().front().effect);
  EXPECT_DOUBLE_EQ(board_->ended().front().effect->before, 400);
  EXPECT_NEAR(board_->ended().front().effect->after, 400.0 / 12, 1e-9);
}

TEST_F(BoardTest, WhatEndsWithItsTrafficIsNoLongerSeen) {
  use(kWithout);
  looks(10, 400, 100, 2);
  looks(200, 0, 0, 2);
  ASSERT_EQ(board_->ended().size(), 1U);
  EXPECT_FALSE(board_->ended().front().effect);
}

TEST_F(BoardTest, WhatIsDismissedStaysSoUntilItIsRestored) {
  use(kWithSetting);
  looks(1, 400, 100, 2);
  EXPECT_FALSE(board_->dismiss("waits:another", "me", 5));
  EXPECT_TRUE(board_->dismiss("waits:one", "me", 5));
  EXPECT_FALSE(board_->dismiss("waits:one", "me", 6));
  looks(1, 1, 100, 2);
  EXPECT_FALSE(board_->dismissed()[0].is_found);
  looks(1, 400, 100, 2);
  EXPECT_TRUE(board_->open().empty());
  ASSERT_EQ(board_->dismissed().size(), 1U);
  EXPECT_TRUE(board_->dismissed()[0].is_found);
  EXPECT_EQ(board_->dismissed()[0].dismissed->by, "me");
  EXPECT_TRUE(board_->restore("waits:one"));
  EXPECT_FALSE(board_->restore("waits:one"));
  EXPECT_EQ(board_->open().size(), 1U);
  EXPECT_TRUE(board_->dismissed().empty());
}

TEST_F(BoardTest, WhatComesAndGoesIsToldOnce) {
  use(kOther);
  for (int times = 0; times < 3; ++times) {
    has_other_ = true;
    looks(1, 0, 0, 2);
    has_other_ = false;
    looks(1, 0, 0, 2);
    EXPECT_TRUE(board_->pending().empty()) << "there is nothing to measure";
    looks(6, 0, 0, 2);
  }
  EXPECT_EQ(board_->ended().size(), 1U);
}

TEST_F(BoardTest, MeasuresNoLongerThanTenMinutesBefore) {
  use(kWithSetting);
  looks(60, 1000, 100, 2);
  looks(121, 400, 100, 2);
  looks(12, 40, 100, 8);
  ASSERT_EQ(board_->ended().size(), 1U);
  EXPECT_DOUBLE_EQ(board_->ended().front().effect->before, 400);
}

}  // namespace
}  // namespace forebay::advise
