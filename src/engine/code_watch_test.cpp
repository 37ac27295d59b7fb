#include "engine/code_watch.hpp"

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint kStart{std::chrono::hours(1)};

TEST(CodeWatch, OneLooksAtATime) {
  CodeWatch watch;
  const auto look = watch.claim(kStart);
  ASSERT_NE(look, nullptr);
  EXPECT_EQ(watch.claim(kStart + milliseconds(1)), nullptr);
}

TEST(CodeWatch, LookOfASessionThatDiesIsLeftToTheNext) {
  CodeWatch watch;
  EXPECT_NE(watch.claim(kStart), nullptr);  // and gone
  EXPECT_TRUE(watch.is_due(kStart + milliseconds(1)));
  EXPECT_NE(watch.claim(kStart + milliseconds(1)), nullptr);
}

TEST(CodeWatch, LookThatEndsIsFollowedByAPause) {
  CodeWatch watch;
  auto look = watch.claim(kStart);
  EXPECT_FALSE(look->is_known("print", kStart));
  look->adopt({}, kStart);
  look.reset();
  EXPECT_FALSE(watch.is_due(kStart + milliseconds(1)));
  EXPECT_TRUE(watch.is_due(kStart + CodeWatch::kPeriod));
  look = watch.claim(kStart + CodeWatch::kPeriod);
  ASSERT_NE(look, nullptr);
  EXPECT_TRUE(look->is_known("print", kStart + CodeWatch::kPeriod));
}

TEST(CodeWatch, LookThatFailsIsTriedAgainAfterThePeriod) {
  CodeWatch watch;
  watch.claim(kStart)->give_up(kStart);
  EXPECT_FALSE(watch.is_due(kStart + milliseconds(1)));
  EXPECT_TRUE(watch.is_due(kStart + CodeWatch::kPeriod));
}

TEST(CodeWatch, LateEndDoesNotTakeTheNextOnesLookAway) {
  CodeWatch watch;
  auto late = watch.claim(kStart);
  const TimePoint later = kStart + std::chrono::minutes(1);
  const auto next = watch.claim(later);
  ASSERT_NE(next, nullptr);
  late.reset();
  EXPECT_EQ(watch.claim(later + milliseconds(1)), nullptr);
}

TEST(CodeWatch, WhatIsKnownOfSequencesHasANumberOfItsOwn) {
  CodeWatch watch;
  TimePoint now = kStart;
  const auto look = [&](const std::string& fingerprint, const backend::Rows& rows) {
    now += CodeWatch::kPeriod;
    const auto it = watch.claim(now);
    if (!it->is_known(fingerprint, now)) it->adopt(rows, now);
    return watch.sequences();
  };
  const auto sequence = [](const char* name) { return backend::Rows{{"sequence", name, "", ""}}; };
  EXPECT_EQ(watch.sequences(), CodeWatch::kInDoubt);
  EXPECT_EQ(look("none", {}), CodeWatch::kNoSequences);
  const auto one = look("one", sequence("a"));
  EXPECT_NE(one, CodeWatch::kNoSequences);
  EXPECT_NE(one, CodeWatch::kInDoubt);
  watch.invalidate(now);
  EXPECT_EQ(watch.sequences(), CodeWatch::kInDoubt);
  EXPECT_EQ(look("one", {}), one) << "nothing has changed after all";
  EXPECT_NE(look("other", sequence("b")), one);
}

}  // namespace
}  // namespace forebay::engine
