#include "wire/saslprep.hpp"

#include <gtest/gtest.h>

namespace forebay::wire {
namespace {

TEST(Saslprep, KeepsAsciiAsItIs) {
  EXPECT_EQ(saslprep("correct horse"), "correct horse");
  EXPECT_EQ(saslprep("with\x07 bell"), "with\x07 bell");
  EXPECT_EQ(saslprep(""), "");
}

// RFC 4013 section 3, examples 1 to 7 (5 is for ASCII too, where PostgreSQL looks no further).
TEST(Saslprep, FollowsTheExamplesOfTheSpecification) {
  EXPECT_EQ(saslprep("I\u00ADX"), "IX");
  EXPECT_EQ(saslprep("user"), "user");
  EXPECT_EQ(saslprep("USER"), "USER");
  EXPECT_EQ(saslprep("\u00AA"), "a");
  EXPECT_EQ(saslprep("\u2168"), "IX");
  EXPECT_EQ(saslprep("\u0627\u0031"), std::nullopt);
}

TEST(Saslprep, ComposesWhatIsDecomposed) {
  EXPECT_EQ(saslprep("cafe\u0301"), "caf\u00E9");
  EXPECT_EQ(saslprep("\u1E9B\u0323"), "\u1E69");
}

TEST(Saslprep, MapsSpacesBeforeItDrops) {
  EXPECT_EQ(saslprep("a\u3000b"), "a b");
  EXPECT_EQ(saslprep("a\u200Bb"), "a b");  // in both tables; PostgreSQL makes it a space
  EXPECT_EQ(saslprep("a\uFEFFb"), "ab");
}

TEST(Saslprep, RefusesWhatTheProfileForbids) {
  EXPECT_EQ(saslprep("a\u0080"), std::nullopt);      // control character
  EXPECT_EQ(saslprep("a\uE000"), std::nullopt);      // private use
  EXPECT_EQ(saslprep("a\uFFFD"), std::nullopt);      // not plain text
  EXPECT_EQ(saslprep("a\u0221"), std::nullopt);      // unassigned in Unicode 3.2
  EXPECT_EQ(saslprep("a\U0001F511"), std::nullopt);  // an emoji is unassigned there too
  EXPECT_EQ(saslprep("\u00AD"), std::nullopt);       // nothing left
}

TEST(Saslprep, RefusesMixedDirections) {
  EXPECT_EQ(saslprep("\u05D0\u05D1"), "\u05D0\u05D1");
  EXPECT_EQ(saslprep("\u05D0 1 \u05D1"), "\u05D0 1 \u05D1");
  EXPECT_EQ(saslprep("\u05D0a\u05D1"), std::nullopt);
  EXPECT_EQ(saslprep("\u05D0!"), std::nullopt);
}

TEST(Saslprep, RefusesWhatIsNotUtf8) {
  for (const char* text : {"\xff", "caf\xe9", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(saslprep(text), std::nullopt);
    EXPECT_EQ(prepared_password(text), text);
  }
}

TEST(Saslprep, PasswordFallsBackToItsOwnBytes) {
  EXPECT_EQ(prepared_password("\u2168"), "IX");
  EXPECT_EQ(prepared_password("\u05D0a"), "\u05D0a");
}

}  // namespace
}  // namespace forebay::wire
