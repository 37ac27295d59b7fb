#include "observe/rate_limit.hpp"

#include <gtest/gtest.h>

namespace forebay::observe {
namespace {

TEST(RateLimit, LetsABurstThroughAndThenOneForEachPause) {
  RateLimit limit;
  const TimePoint start = Clock::now();
  for (std::uint32_t i = 0; i < RateLimit::kBurst; ++i) EXPECT_EQ(limit.admit(start), 0U);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(limit.admit(start), std::nullopt);
  EXPECT_EQ(limit.admit(start + RateLimit::kPause), 7U) << "the dropped ones are told once";
  EXPECT_EQ(limit.admit(start + RateLimit::kPause), std::nullopt);
}

TEST(RateLimit, RestEarnsNoMoreThanABurst) {
  RateLimit limit;
  TimePoint now = Clock::now();
  limit.admit(now);
  now += std::chrono::hours(1);
  std::uint32_t admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += limit.admit(now).has_value() ? 1 : 0;
  EXPECT_EQ(admitted, RateLimit::kBurst);
}

}  // namespace
}  // namespace forebay::observe
