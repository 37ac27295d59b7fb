#include "base/ascii.hpp"

#include <gtest/gtest.h>

namespace forebay {
namespace {

TEST(Ascii, ChangesTheCaseOfLettersAlone) {
  EXPECT_EQ(lower_case("AZaz09_@[`{ Ä"), "azaz09_@[`{ Ä");
  EXPECT_EQ(upper_case("AZaz09_@[`{ ä"), "AZAZ09_@[`{ ä");
}

TEST(Ascii, ComparesWithAWordInAnyCase) {
  EXPECT_TRUE(equals_ignoring_case("sEt", "set"));
  EXPECT_FALSE(equals_ignoring_case("sets", "set"));
  EXPECT_FALSE(equals_ignoring_case("se", "set"));
  EXPECT_FALSE(equals_ignoring_case("s\x05t", "s%t"));
}

TEST(Ascii, KnowsItsKindsOfCharacters) {
  EXPECT_TRUE(is_letter('a') && is_letter('Z') && is_digit('9') && is_upper('A') && is_lower_hex('f'));
  EXPECT_FALSE(is_letter('@') || is_letter('[') || is_letter('`') || is_letter('{') || is_digit('/') ||
               is_digit(':') || is_upper('a') || is_lower_hex('F') || is_lower_hex('g'));
  EXPECT_FALSE(is_letter_or_digit('_') || is_letter_or_digit('\xe4'));
}

}  // namespace
}  // namespace forebay
