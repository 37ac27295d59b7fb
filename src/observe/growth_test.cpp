#include "observe/growth.hpp"

#include <gtest/gtest.h>

namespace forebay::observe {
namespace {

struct Counts {
  int hits = 0;
  int reads = 0;

  Counts since(const Counts& then) const {
    return growth(*this, then, std::array{&Counts::hits, &Counts::reads});
  }
  friend bool operator==(const Counts&, const Counts&) = default;
};

TEST(Growth, IsTheDifference) {
  EXPECT_EQ((Counts{7, 5}.since({4, 5})), (Counts{3, 0}));
  EXPECT_EQ((Counts{7, 5}.since({})), (Counts{7, 5}));
}

TEST(Growth, OfASetOfWhichOneHasFallenIsAllOfIt) {
  EXPECT_EQ((Counts{7, 4}.since({4, 5})), (Counts{7, 4}));
  EXPECT_EQ((Counts{3, 6}.since({4, 5})), (Counts{3, 6}));
}

}  // namespace
}  // namespace forebay::observe
