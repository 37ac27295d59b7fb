#include "pgfront/console_statement.hpp"

#include <gtest/gtest.h>

namespace forebay::pgfront {
namespace {

std::vector<std::vector<std::string>> words_of(std::string_view text) {
  const auto statements = parse_console(text);
  EXPECT_TRUE(statements.has_value()) << text;
  std::vector<std::vector<std::string>> all;
  for (const auto& statement : *statements) {
    std::vector<std::string> words;
    for (const auto& word : statement.words) words.push_back(word.text);
    all.push_back(std::move(words));
  }
  return all;
}

using Words = std::vector<std::vector<std::string>>;

TEST(ConsoleStatement, IsCutAtSemicolonsAndBlanks) {
  EXPECT_EQ(words_of("SHOW POOLS"), (Words{{"SHOW", "POOLS"}}));
  EXPECT_EQ(words_of("  show\n\tpools ;; ; PAUSE db;"), (Words{{"show", "pools"}, {"PAUSE", "db"}}));
  EXPECT_EQ(words_of(""), Words{});
  EXPECT_EQ(words_of(" ;\n; "), Words{});
}

TEST(ConsoleStatement, KnowsQuotesAndAssignments) {
  EXPECT_EQ(words_of("PAUSE \"my;\"\" db\""), (Words{{"PAUSE", "my;\" db"}}));
  EXPECT_EQ(words_of("SET pool.size=5"), (Words{{"SET", "pool.size", "=", "5"}}));
  EXPECT_EQ(words_of("set a = 'it''s; --x'"), (Words{{"set", "a", "=", "it's; --x"}}));
  EXPECT_EQ(words_of("PAUSE \"\""), (Words{{"PAUSE", ""}}));
}

TEST(ConsoleStatement, LeavesCommentsOut) {
  EXPECT_EQ(words_of("-- a\nSHOW/* b /* c */ ; */POOLS--d"), (Words{{"SHOW", "POOLS"}}));
  EXPECT_EQ(words_of("SHOW --\n POOLS"), (Words{{"SHOW", "POOLS"}}));
}

TEST(ConsoleStatement, RefusesWhatDoesNotEnd) {
  for (const char* text : {"SHOW 'x", "SHOW \"x", "SHOW 'x''", "/* /* */", "/*", "SHOW /"}) {
    const bool ends = std::string_view(text) == "SHOW /";
    EXPECT_EQ(parse_console(text).has_value(), ends) << text;
  }
}

TEST(ConsoleStatement, QuotedWordsAreNoKeywords) {
  const auto statements = parse_console("Show \"SHOW\"");
  ASSERT_TRUE(statements.has_value());
  EXPECT_TRUE(statements->front().words[0].is_keyword("show"));
  EXPECT_FALSE(statements->front().words[1].is_keyword("show"));
}

TEST(ConsoleStatement, IsShownShortAndPrintable) {
  const auto statements = parse_console("SHOW '\x01\n' " + std::string(500, 'x'));
  ASSERT_TRUE(statements.has_value());
  const std::string shown = to_string(statements->front());
  EXPECT_LT(shown.size(), 80U);
  EXPECT_EQ(shown.find('\n'), std::string::npos);
  EXPECT_EQ(
      to_string(parse_console("SHOW " + std::string(54, 'x') + "\xC3\xA4\xC3\xA4")->front()).find("\xC3…"),
      std::string::npos);
}

}  // namespace
}  // namespace forebay::pgfront
