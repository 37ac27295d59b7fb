#include "cache/recent_ages.hpp"

#include <gtest/gtest.h>

namespace forebay::cache {
namespace {

TEST(RecentAges, TellsMedianAndTail) {
  RecentAges ages;
  EXPECT_FALSE(ages.summary()) << "nothing is no age of 0 ms";
  for (int at = 101; at >= 1; --at) ages.note(Duration(at));
  EXPECT_EQ(ages.summary()->p50, Duration(51));
  EXPECT_EQ(ages.summary()->p99, Duration(100));
  EXPECT_EQ(ages.summary()->max, Duration(101));
}

TEST(RecentAges, ForgetsWhatIsLongAgo) {
  RecentAges ages;
  ages.note(Duration(1000));
  for (std::size_t at = 0; at < RecentAges::kMost; ++at) ages.note(Duration(5));
  EXPECT_EQ(ages.summary()->max, Duration(5));
  ages.clear();
  EXPECT_FALSE(ages.summary());
}

}  // namespace
}  // namespace forebay::cache
