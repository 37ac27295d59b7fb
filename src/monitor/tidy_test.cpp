#include "monitor/tidy.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

std::string tidied(std::string_view text) {
  const auto told = tidy(text);
  return told ? boost::json::serialize(*told) : told.error().text;
}

TEST(Tidy, StatementsLoseTheirValuesWhereverTheyStand) {
  EXPECT_EQ(tidied(R"({"sessions":[{"pid":7,"query":"SELECT * FROM t WHERE a = 'secret'"}]})"),
            R"({"sessions":[{"pid":7,"query":"SELECT * FROM t WHERE a = $1"}]})");
  EXPECT_EQ(tidied(R"({"query":"SELECT 'cut within a sec"})"), R"({"query":null})");
  EXPECT_EQ(tidied(R"({"query":null,"state":"it's idle","n":1.5})"),
            R"({"query":null,"state":"it's idle","n":1.5E0})");
}

TEST(Tidy, WhatIsNoUtf8CanBeReadStill) {
  EXPECT_EQ(tidied("{\"table\":\"caf\xE9\",\"other\":\"caf\xC3\xA9\"}"),
            "{\"table\":\"caf\xEF\xBF\xBD\",\"other\":\"caf\xC3\xA9\"}");
  EXPECT_EQ(tidied("{\"query\":\"SELECT caf\xE9\"}"), R"({"query":null})");
}

TEST(Tidy, WhatIsNoObjectIsAnError) {
  for (const char* wrong : {"", "[]", "7", "{\"a\":", "{} {}"}) EXPECT_FALSE(tidy(wrong)) << wrong;
}

}  // namespace
}  // namespace forebay::monitor
