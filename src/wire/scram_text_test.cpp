#include "wire/scram_text.hpp"

#include <set>

#include <gtest/gtest.h>

namespace forebay::wire {
namespace {

using namespace std::string_view_literals;

// RFC 4648 section 10.
TEST(Base64, FollowsTheTestVectors) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff\xfe", "+//+"},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(bytes)), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, RefusesWhatIsNotExact) {
  for (const std::string_view text :
       {"Z"sv, "Zg"sv, "Zg="sv, "Zg==="sv, "Zg==Zg=="sv, "=Zg="sv, "===="sv, "Z==="sv, "Zm9v="sv, "Zm 9"sv,
        "Zm9\n"sv, "Zm9-"sv, "Zm9_"sv, "Zh=="sv, "Zm9="sv, "Zm9\0"sv, "Zm9\xff"sv}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

TEST(ScramIterations, AreAPositiveDecimalNumber) {
  EXPECT_EQ(parse_scram_iterations("1"), 1U);
  EXPECT_EQ(parse_scram_iterations("4096"), 4096U);
  EXPECT_EQ(parse_scram_iterations("2147483647"), 2147483647U);
  for (const char* text :
       {"", "0", "-1", "+1", "04096", " 1", "1 ", "1x", "0x10", "1e3", "2147483648", "99999999999"}) {
    EXPECT_EQ(parse_scram_iterations(text), std::nullopt) << text;
  }
}

TEST(ScramNonce, IsPrintableAndNeverTheSame) {
  std::set<std::string> nonces;
  for (int i = 0; i < 100; ++i) nonces.insert(make_scram_nonce());
  EXPECT_EQ(nonces.size(), 100U);
  for (const std::string& nonce : nonces) {
    EXPECT_EQ(nonce.size(), 24U);
    EXPECT_TRUE(is_scram_printable(nonce));
  }
}

TEST(AttributeReader, ReadsInOrder) {
  AttributeReader reader("a=1,b=,c=x=y");
  EXPECT_EQ(reader.expect('a'), "1");
  EXPECT_EQ(reader.position(), 4U);
  EXPECT_EQ(reader.expect('b'), "");
  const auto last = reader.any();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->name, 'c');
  EXPECT_EQ(last->value, "x=y");
  EXPECT_TRUE(reader.at_end());
}

TEST(AttributeReader, StaysFailed) {
  AttributeReader reader("a=1,b=2");
  EXPECT_EQ(reader.expect('b'), std::nullopt);
  EXPECT_EQ(reader.expect('a'), std::nullopt);
  EXPECT_FALSE(reader.any());
  EXPECT_EQ(reader.fault(), "Expected attribute \"b\" but found \"'a'\".");
}

TEST(AttributeReader, ACommaAtTheEndIsNoEnd) {
  AttributeReader reader("a=1,");
  EXPECT_TRUE(reader.expect('a'));
  EXPECT_FALSE(reader.at_end());
  EXPECT_FALSE(reader.any());
}

}  // namespace
}  // namespace forebay::wire
