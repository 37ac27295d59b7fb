#include "monitor/questions.hpp"

#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Questions, RulesStandInTheOrderOfTopics) {
  for (std::size_t at = 0; at < kTopics; ++at)
    EXPECT_EQ(static_cast<std::size_t>(topic_rules()[at].topic), at);
}

TEST(Questions, CheckpointsHaveAViewOfTheirOwnFrom17On) {
  EXPECT_TRUE(has(question_for(Topic::server, {.version = 150'018}), "FROM pg_stat_bgwriter"));
  EXPECT_TRUE(has(question_for(Topic::server, {.version = 160'009}), "FROM pg_stat_bgwriter"));
  EXPECT_TRUE(has(question_for(Topic::server, {.version = 170'000}), "FROM pg_stat_checkpointer"));
}

TEST(Questions, StatementsAreAskedForWhereTheExtensionIsInstalled) {
  EXPECT_EQ(question_for(Topic::statements, {.version = 150'018}), "");
  EXPECT_TRUE(has(question_for(Topic::statements, {.version = 150'018, .statements_schema = "\"my ext\""}),
                  "FROM \"my ext\".pg_stat_statements"));
}

}  // namespace
}  // namespace forebay::monitor
