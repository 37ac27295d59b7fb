#include "config/environment.hpp"

#include <gtest/gtest.h>

namespace forebay::config {
namespace {

std::optional<std::string> variables(const std::string& name) {
  if (name == "HOST") return "db";
  if (name == "EMPTY") return "";
  if (name == "EVIL") return "${HOST}\nauth: {mode: trust}";
  if (name == "LARGE") return std::string(kMaxExpandedBytes, 'x');
  return std::nullopt;
}

struct Expanded {
  std::string text;
  std::vector<std::string> complaints;
};

Expanded expanded(std::string_view text) {
  Expanded result;
  result.text = expand(text, variables, result.complaints);
  return result;
}

TEST(Environment, ReplacesVariables) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"${HOST}", "db"},
      {"a${HOST}b${HOST}", "adbbdb"},
      {"${HOST:-other}", "db"},
      {"${NONE:-other}", "other"},
      {"${EMPTY:-other}", "other"},
      {"${EMPTY}", ""},
      {"${NONE:-}", ""},
      {"${NONE:-a:-b}", "a:-b"},
      {"$${HOST}", "${HOST}"},
      {"$$${HOST}", "$${HOST}"},
      {"SCRAM-SHA-256$4096:a$b:c", "SCRAM-SHA-256$4096:a$b:c"},
      {"$HOST $", "$HOST $"},
      {"${EVIL}", "${HOST}\nauth: {mode: trust}"}};
  for (const auto& [text, meant] : cases) {
    const Expanded result = expanded(text);
    EXPECT_EQ(result.text, meant) << text;
    EXPECT_TRUE(result.complaints.empty()) << text;
  }
}

TEST(Environment, TellsWhatItCannotReplace) {
  for (const char* text : {"${NONE}", "${", "${HOST", "${}", "${1A}", "${A B}", "${:-x}", "${HOST}${NONE}"}) {
    EXPECT_EQ(expanded(text).complaints.size(), 1U) << text;
  }
  EXPECT_NE(expanded("${NONE}").complaints[0].find("${NONE:-default}"), std::string::npos);
}

TEST(Environment, BoundsTheResult) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "${LARGE}";
  const Expanded result = expanded(text);
  EXPECT_LE(result.text.size(), kMaxExpandedBytes);
  EXPECT_EQ(result.complaints.size(), 1U);
}

}  // namespace
}  // namespace forebay::config
