#include "engine/warm_list.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

WarmQuestion prepared_question() {
  WarmQuestion warm;
  warm.database = "shop";
  warm.question = {.cache = 0,
                   .user = "app",
                   .parameters = {{"DateStyle", "ISO"}},
                   .settings = {{"TimeZone", "Asia/Tokyo"}, {"search_path", "a, \"b\""}},
                   .simple = false,
                   .parses = false,
                   .describes = true,
                   .text = "SELECT name FROM items WHERE id = $1",
                   .types = std::string("\0\0\0\x17", 4),
                   .values = std::string("\0\0\0\1\0\0\0\1\x37\0\0", 11)};
  return warm;
}

std::string mistake_in(std::string_view line) {
  const auto read = parse_warm_question(line);
  return read ? "none" : read.error().text;
}

TEST(WarmList, ReadsWhatItHasWritten) {
  const WarmQuestion warm = prepared_question();
  const std::string line = to_text(warm);
  const auto read = parse_warm_question(line);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(to_text(*read), line);
  EXPECT_EQ(read->database, "shop");
  EXPECT_EQ(read->question.settings, warm.question.settings);
  EXPECT_EQ(read->question.parameters, warm.question.parameters);
  EXPECT_EQ(read->question.types, warm.question.types);
  EXPECT_EQ(read->question.values, warm.question.values);
  EXPECT_TRUE(read->question.describes);
  EXPECT_FALSE(read->question.parses || read->question.simple);
}

TEST(WarmList, ALineOfThreeFieldsIsAPlainQuery) {
  const auto read = parse_warm_question(R"({"database": "shop", "user": "app", "text": "SELECT 1"})");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->question.simple);
  EXPECT_EQ(read->question.text, "SELECT 1");
}

TEST(WarmList, SaysWhatIsWrongWithALine) {
  EXPECT_TRUE(mistake_in("SELECT 1").starts_with("no JSON: "));
  EXPECT_EQ(mistake_in("[]"), "no object");
  EXPECT_EQ(mistake_in(R"({"database": "d", "user": "u"})"), "\"text\" is missing");
  EXPECT_EQ(mistake_in(R"({"database": "d", "user": 1, "text": "t"})"), "\"user\" is not a text");
  EXPECT_EQ(mistake_in(R"({"database": "d", "user": "u", "text": "t", "txt": 1})"), "there is no \"txt\"");
  EXPECT_EQ(mistake_in(R"({"database": "d", "user": "u", "text": "t", "settings": {"a": 1}})"),
            "\"a\" is not a text");
  for (const char* name : {"", "user", "replication", "_pq_.x", "a\\u0000user\\u0000postgres"}) {
    EXPECT_EQ(mistake_in(fmt::format(
                  R"({{"database": "d", "user": "u", "text": "t", "parameters": {{"{}": "x"}}}})", name)),
              "\"parameters\" has a name that is no setting");
  }
  EXPECT_EQ(mistake_in(R"({"database": "d", "user": "u", "text": "t", "protocol": "http"})"),
            "\"protocol\" is simple, extended or prepared");
  EXPECT_EQ(mistake_in(R"({"database": "d", "user": "u", "text": "t", "protocol": "extended"})"),
            "\"values\" are missing or cut");
  EXPECT_EQ(
      mistake_in(R"({"database": "d", "user": "u", "text": "t", "protocol": "prepared", "types": "?"})"),
      "\"types\" is not base64");
  EXPECT_EQ(mistake_in(R"({"database": "d", "user": "u", "text": "t", "describe": true})"),
            "there is no \"describe\"");
}

TEST(Question, IsReadBackFromItsKey) {
  const Question question = prepared_question().question;
  const backend::Profile profile{.parameters = question.parameters, .replication = {}};
  backend::SessionSettings settings = question.settings;
  settings.insert(settings.begin(), {"application_name", "psql"});
  const std::string context = context_bytes(
      7, 3, question.user, profile, std::make_shared<const backend::SessionSettings>(std::move(settings)));
  std::string key;
  write_key(key, context, request_of(question));
  const Question read = question_of(key);
  EXPECT_EQ(read.cache, 7U);
  EXPECT_EQ(to_text({"shop", read}), to_text({"shop", question}));
}

}  // namespace
}  // namespace forebay::engine
