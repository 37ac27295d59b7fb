#include "http/parameters.hpp"

#include <gtest/gtest.h>

namespace forebay::http {
namespace {

constexpr QueryKey kKeys[] = {{"series", "string", ""}, {"seconds", "integer", ""}};

TEST(Parameters, AreReadWithTheirPercentSigns) {
  const auto read = parameters_of("series=lag_ms%2Fdb%3a5432,a+b&seconds=60", kKeys);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->at("series"), "lag_ms/db:5432,a b");
  EXPECT_EQ(read->at("seconds"), "60");
  EXPECT_TRUE(parameters_of("", kKeys)->empty());
  EXPECT_EQ(parameters_of("series", kKeys)->at("series"), "");
}

TEST(Parameters, WhatIsNotKnownOrComesTwiceIsTold) {
  EXPECT_FALSE(parameters_of("limit=1", kKeys));
  EXPECT_FALSE(parameters_of("series=a&series=b", kKeys));
  for (const char* broken : {"series=%", "series=%2", "series=%zz", "%=1", "series=%-1"})
    EXPECT_FALSE(parameters_of(broken, kKeys)) << broken;
}

TEST(Parameters, NumbersAreWholeAndWithinBounds) {
  EXPECT_EQ(*number_of("60", 1, 60), 60U);
  for (const char* wrong : {"", "0", "61", "6x", "-1", " 6", "99999999999999999999"})
    EXPECT_FALSE(number_of(wrong, 1, 60)) << wrong;
}

}  // namespace
}  // namespace forebay::http
