#include "engine/code_watch.hpp"

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint kStart{std::chrono::hours(1)};

/// Nothing is in doubt any more, and the next look is due at kStart.
void read_first(CodeWatch& watch) {
  const TimePoint before = kStart - CodeWatch::kPeriod;
  const auto look = watch.claim(before);
  EXPECT_FALSE(look->is_known("first", before));
  look->adopt({}, before);
}

TEST(CodeWatch, OneLooksAtATime) {
  CodeWatch watch;
  read_first(watch);
  const auto look = watch.claim(kStart);
  ASSERT_NE(look, nullptr);
  EXPECT_FALSE(watch.wants_look(kStart + milliseconds(1)));
  EXPECT_EQ(watch.claim(kStart + milliseconds(1)), nullptr);
}

TEST(CodeWatch, WhereNothingIsKnownEverybodyLooks) {
  CodeWatch watch;
  const auto look = watch.claim(kStart);
  EXPECT_TRUE(watch.wants_look(kStart + milliseconds(1)));
  const auto other = watch.claim(kStart + milliseconds(1));
  ASSERT_NE(other, nullptr);
  look->adopt({}, kStart + milliseconds(2));
  EXPECT_FALSE(watch.matters());
  EXPECT_FALSE(watch.wants_look(kStart + milliseconds(3)));
  other->adopt({}, kStart + milliseconds(4));
  EXPECT_FALSE(watch.matters());
}

TEST(CodeWatch, FirstLookThatIsLateTakesNothingBack) {
  CodeWatch watch;
  const auto late = watch.claim(kStart);
  watch.invalidate(kStart);
  const auto look = watch.claim(kStart);
  EXPECT_FALSE(look->is_known("new", kStart));
  look->adopt({}, kStart);
  late->adopt({{"function", "f", "c", ""}}, kStart);
  EXPECT_FALSE(watch.matters()) << "as it was before the change";
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
  read_first(watch);
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
