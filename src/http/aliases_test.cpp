#include "http/aliases.hpp"

#include <gtest/gtest.h>

namespace forebay::http {
namespace {

std::string mistakes(const std::map<std::string, std::string>& aliases) {
  config::Settings settings;
  settings.http.aliases = aliases;
  std::string text;
  for (const auto& mistake : check_aliases(settings)) text += mistake.text + "\n";
  return text;
}

TEST(Aliases, StandForWhatIsBuiltIn) {
  EXPECT_EQ(mistakes({{"/metrics/database", "/api/v1/database"},
                      {"/slow", "/api/v1/statements?limit=20"},
                      {"/metrics/json", "/api/v1/overview"},
                      {"/cache/clear", "/api/v1/cache/clear"},
                      {"/prometheus", "/metrics"}}),
            "");
}

TEST(Aliases, AreRefusedWhereTheyStandForNothing) {
  EXPECT_EQ(mistakes({{"/a", "/api/v1/databse"}}),
            "http.aliases./a: there is nothing by the path \"/api/v1/databse\"; did you mean "
            "/api/v1/database?\n");
  EXPECT_EQ(mistakes({{"/a", "/"}}),
            "http.aliases./a: there is nothing by the path \"/\"; docs/monitoring.md lists what there is\n");
  EXPECT_EQ(mistakes({{"/a", "/api/v1/cache/clear?tag=x"}}),
            "http.aliases./a: /api/v1/cache/clear takes what it needs from the body, and no parameters\n");
  EXPECT_EQ(mistakes({{"/a", "/api/v1/statements/{id}"}}),
            "http.aliases./a: /api/v1/statements/{id} stands for many paths; name one that is built in as it "
            "is\n");
  EXPECT_EQ(mistakes({{"/a", "/api/v1/history?series=a b"}}),
            "http.aliases./a: the parameters hold what has to be written with % in a URL\n");
}

TEST(Aliases, OfAliasesAreRefusedAndSoTheyNeverGoRound) {
  EXPECT_EQ(mistakes({{"/a", "/b"}, {"/b", "/metrics"}}),
            "http.aliases./a: /b is an alias itself; name the path that is built in\n");
  EXPECT_EQ(mistakes({{"/a", "/b"}, {"/b", "/a?x=1"}}),
            "http.aliases./a: /b is an alias itself; name the path that is built in\n"
            "http.aliases./b: /a is an alias itself; name the path that is built in\n");
  EXPECT_EQ(mistakes({{"/a", "/a"}}),
            "http.aliases./a: /a is an alias itself; name the path that is built in\n");
}

TEST(Aliases, HideNothing) {
  for (const char* path : {"/metrics", "/api/v1/cache/clear", "/health", "/"}) {
    EXPECT_EQ(mistakes({{path, "/api/v1/overview"}}),
              std::string("http.aliases.") + path + ": this path is built in; an alias must not hide it\n");
  }
  for (const char* path : {"a", "", "/a?b", "/a b", "/a%2F"}) EXPECT_NE(mistakes({{path, "/metrics"}}), "");
}

TEST(Aliases, GiveTheirParametersToTheRequest) {
  config::Http settings;
  settings.aliases = {{"/slow", "/api/v1/statements?limit=20"}, {"/all", "/api/v1/statements"}};
  const auto asked = [&settings](const char* path, const char* query) {
    Request request;
    request.path = path;
    request.query = query;
    resolve_alias(settings, request);
    return request.path + "?" + request.query;
  };
  EXPECT_EQ(asked("/slow", ""), "/api/v1/statements?limit=20");
  EXPECT_EQ(asked("/slow", "a=1"), "/api/v1/statements?limit=20&a=1");
  EXPECT_EQ(asked("/all", "limit=3"), "/api/v1/statements?limit=3");
  EXPECT_EQ(asked("/slow/", ""), "/slow/?");
  EXPECT_EQ(asked("/metrics", ""), "/metrics?");
}

}  // namespace
}  // namespace forebay::http
