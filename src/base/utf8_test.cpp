#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace forebay {
namespace {

TEST(Utf8, PrefixIsTheWholeOfAShortText) {
  EXPECT_EQ(utf8_prefix("", 0), "");
  EXPECT_EQ(utf8_prefix("abc", 3), "abc");
  EXPECT_EQ(utf8_prefix("aä", 3), "aä");
}

TEST(Utf8, PrefixCutsNoCharacterInTwo) {
  EXPECT_EQ(utf8_prefix("abcd", 3), "abc");
  EXPECT_EQ(utf8_prefix("aä", 2), "a");
  EXPECT_EQ(utf8_prefix("a€b", 3), "a");
  EXPECT_EQ(utf8_prefix("a€b", 4), "a€");
  EXPECT_EQ(utf8_prefix("😀", 3), "");
}

TEST(Utf8, PrefixTakesAnyBytes) {
  EXPECT_EQ(utf8_prefix("\x80\x80\x80", 2), "");
  EXPECT_EQ(utf8_prefix("ab\xff\xff", 3), "ab\xff");
}

}  // namespace
}  // namespace forebay
