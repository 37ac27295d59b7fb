#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wire/secret.hpp"

namespace forebay::wire {
namespace {

using namespace std::string_view_literals;

SecretList parsed(std::string_view text) {
  return parse_user_list(text, "users.txt").value();
}

std::string mistakes(std::string_view text) {
  const auto list = parse_user_list(text, "users.txt");
  if (list) return "accepted";
  EXPECT_EQ(list.error().code, ErrorCode::configuration);
  return list.error().text;
}

TEST(UserList, ReadsWhatPgBouncerReads) {
  const SecretList list = parsed(
      "; a comment\n"
      "# another\n"
      "\n"
      "\"plain\" \"hunter2\"\n"
      "  \"hashed\"\t\"md595078886950b884e3b79045817a09e4d\" ignored \"too\"\r\n"
      "\"none\"\"\" \"\"\n"
      "\"qu\"\"ote\" \"pass\"\"word; with # signs\"\n"
      "\"last\" \"no line end\"");
  ASSERT_EQ(list.size(), 5U);
  EXPECT_TRUE(list.at("plain").plain()->equals("hunter2"));
  EXPECT_TRUE(list.at("hashed").md5());
  EXPECT_TRUE(list.at("none\"").none());
  EXPECT_TRUE(list.at("qu\"ote").plain()->equals("pass\"word; with # signs"));
  EXPECT_TRUE(list.at("last").plain()->equals("no line end"));
}

TEST(UserList, MayBeEmpty) {
  EXPECT_TRUE(parsed("").empty());
  EXPECT_TRUE(parsed("\n \n;x").empty());
}

TEST(UserList, NamesTheLineOfEveryMistake) {
  const std::string text = mistakes(
      "alice \"x\"\n"
      "\"bob\"\n"
      "\"carol\" \"fine\"\n"
      "\"dave\" \"open\n"
      "\"\" \"x\"\n"
      "\"carol\" \"again\"\n"
      "\"erin\" \"SCRAM-SHA-256$4096:damaged\"\n"
      "\"frank\" unquoted\n");
  std::vector<std::string> heads;
  std::size_t from = 0;
  for (std::size_t end = 0; end != std::string::npos; from = end + 1) {
    end = text.find('\n', from);
    heads.push_back(text.substr(from, std::string_view("users.txt:N").size()));
  }
  EXPECT_EQ(heads, (std::vector<std::string>{"users.txt:1", "users.txt:2", "users.txt:4", "users.txt:5",
                                             "users.txt:6", "users.txt:7", "users.txt:8"}));
  EXPECT_NE(text.find("\"carol\" stands in line 3 already"), std::string::npos);
}

TEST(UserList, DoesNotRepeatSecrets) {
  EXPECT_EQ(mistakes("\"a\" \"SCRAM-SHA-256$hunter2\"").find("hunter2"), std::string::npos);
  EXPECT_EQ(mistakes("\"a\" \"hunter2").find("hunter2"), std::string::npos);
}

TEST(UserList, RefusesAZeroByte) {
  EXPECT_TRUE(mistakes("\"a\" \"x\0y\"\n"sv).starts_with("users.txt:1: there is a zero byte"));
}

}  // namespace
}  // namespace forebay::wire
