#include "wire/secret.hpp"

#include <gtest/gtest.h>

namespace forebay::wire {
namespace {

constexpr std::string_view kVerifier =
    "SCRAM-SHA-256$4096:zjtQGmYcIUlc36Cmdwg8DA==$VDVWyD1AqTehu7ZgoA6AtmEI0qzsoMra8nTZoGzVUto=:"
    "JdWdLLXhnPb6WCP35Y5pVkuSd1/hrXPb85jY53ZMAVM=";
constexpr std::string_view kMd5 = "md595078886950b884e3b79045817a09e4d";

TEST(SecretText, LeavesNothingBehind) {
  SecretText from("hunter2");
  const SecretText to = std::move(from);
  EXPECT_TRUE(from.empty());  // NOLINT: that a short text does not stay behind is the point
  EXPECT_TRUE(to.equals("hunter2"));
  EXPECT_FALSE(to.equals("hunter3"));
  EXPECT_FALSE(to.equals("hunter"));
}

TEST(SecretText, WipesTheWholeBuffer) {
  std::string text = "a password that is long enough to be on the heap";
  const char* const at = text.data();
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(at, text.data());
  EXPECT_EQ(std::string_view(at, 20), std::string(20, '\0'));
}

TEST(Secret, TellsTheKindsApart) {
  EXPECT_TRUE(Secret::parse("")->none());
  EXPECT_TRUE(Secret::parse("hunter2")->plain());
  EXPECT_TRUE(Secret::parse("md5rocks")->plain());
  EXPECT_TRUE(Secret::parse("SCRAM-SHA-1$x")->plain());
  EXPECT_TRUE(Secret::parse(kMd5)->md5());
  EXPECT_TRUE(Secret::parse(kVerifier)->scram());
}

TEST(Secret, RefusesADamagedVerifier) {
  const auto parsed = Secret::parse(kVerifier.substr(0, kVerifier.size() - 1));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::invalid_input);
}

TEST(Secret, MatchesThePassword) {
  for (const std::string_view text : {std::string_view("correct horse"), kMd5, kVerifier}) {
    const Secret secret = *Secret::parse(text);
    EXPECT_TRUE(secret.matches("probe", "correct horse")) << text;
    EXPECT_FALSE(secret.matches("probe", "wrong")) << text;
    EXPECT_FALSE(secret.matches("probe", "")) << text;
  }
  EXPECT_FALSE(Secret::parse(kMd5)->matches("other", "correct horse"));
  EXPECT_FALSE(Secret().matches("probe", ""));
}

TEST(Secret, GivesWhatALoginNeeds) {
  EXPECT_TRUE(Secret::parse("correct horse")->scram_verifier()->matches("correct horse"));
  EXPECT_EQ(Secret::parse(kVerifier)->scram_verifier()->format(), kVerifier);
  EXPECT_EQ(Secret::parse("correct horse")->md5_hash("probe")->text(), kMd5);
  EXPECT_EQ(Secret::parse(kMd5)->md5_hash("probe")->text(), kMd5);

  EXPECT_EQ(Secret::parse(kMd5)->scram_verifier().error().code, ErrorCode::authentication);
  EXPECT_EQ(Secret::parse(kVerifier)->md5_hash("probe").error().code, ErrorCode::authentication);
  EXPECT_EQ(Secret().scram_verifier().error().code, ErrorCode::authentication);
  EXPECT_EQ(Secret().md5_hash("probe").error().code, ErrorCode::authentication);
}

}  // namespace
}  // namespace forebay::wire
