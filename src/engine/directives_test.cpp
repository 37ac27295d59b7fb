#include "engine/directives.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

using Tags = std::vector<std::string>;

TEST(Directives, AreReadAtEitherEnd) {
  for (const char* text : {
           "/* forebay: ttl=5min tags=users,user:42 */ SELECT 1",
           " \n/*forebay: tags=users,user:42\tttl=300*/SELECT 1",
           "SELECT 1 /* forebay: ttl=300s tags=users tags=user:42 */",
           "/* application: blog */ SELECT 1 /*forebay:ttl=300 tags=users,user:42*/ ; ",
       }) {
    const Directives directives = directives_of(text);
    EXPECT_EQ(directives.lifetime, Duration(300'000)) << text;
    EXPECT_EQ(directives.tags, (Tags{"users", "user:42"})) << text;
    EXPECT_TRUE(directives.keep) << text;
    EXPECT_EQ(directives.mistake, "") << text;
  }
  EXPECT_FALSE(directives_of("SELECT 1 /* forebay: keep=no */").keep);
  EXPECT_EQ(directives_of("SELECT 1 /* forebay: strategy=write-through */").strategy,
            config::CacheStrategy::write_through);
}

TEST(Directives, AreNotReadElsewhere) {
  for (const char* text : {"", "SELECT 1", "*/", "/*", "/*/", "/**/", "; */", "/* forebay: keep=no SELECT 1",
                           "SELECT '/* forebay: keep=no */'", "SELECT /* forebay: keep=no */ 1",
                           "/* forbay: keep=no */ SELECT 1", "-- forebay: keep=no\nSELECT 1"}) {
    const Directives directives = directives_of(text);
    EXPECT_TRUE(directives.keep) << text;
    EXPECT_EQ(directives.mistake, "") << text;
  }
}

TEST(Directives, MistakesAreToldAndTheRestCounts) {
  const auto mistake = [](const std::string& said) {
    const Directives directives = directives_of("/* forebay: " + said + " tags=a */ SELECT 1");
    EXPECT_EQ(directives.tags, Tags{"a"}) << said;
    return directives.mistake;
  };
  EXPECT_TRUE(mistake("ttl=soon").starts_with("ttl: ")) << mistake("ttl=soon");
  EXPECT_TRUE(mistake("ttl=0").starts_with("ttl: "));
  EXPECT_TRUE(mistake("ttl=99999999999999999999").starts_with("ttl: "));
  EXPECT_TRUE(mistake("keep=perhaps").starts_with("keep: "));
  EXPECT_TRUE(mistake("strategy=write-behind").starts_with("strategy: "));
  EXPECT_EQ(mistake("lifetime=5"), "there are ttl=, tags=, strategy=, keep= and read=, and nothing else");
  EXPECT_NE(mistake("tags=a*b"), "");
  EXPECT_NE(mistake("tags=" + std::string(65, 'x')), "");
}

TEST(Directives, TagsAreBounded) {
  std::string text = "/* forebay: tags=";
  for (int i = 0; i < 100; ++i) text += "t" + std::to_string(i) + ",";
  EXPECT_EQ(directives_of(text + "z */ SELECT 1").tags.size(), Directives::kMostTags);
}

TEST(Tags, PatternsStandForAnyCharacters) {
  for (const auto& [pattern, tag] : std::vector<std::pair<std::string, std::string>>{{"user:42", "user:42"},
                                                                                     {"user:*", "user:42"},
                                                                                     {"*", ""},
                                                                                     {"*", "a"},
                                                                                     {"**a*", "ba"},
                                                                                     {"*:42", "user:42"},
                                                                                     {"u*r:*2", "user:42"},
                                                                                     {"user:42*", "user:42"},
                                                                                     {"*a*a*b", "aaaab"}}) {
    EXPECT_TRUE(tag_matches(pattern, tag)) << pattern << ' ' << tag;
  }
  for (const auto& [pattern, tag] : std::vector<std::pair<std::string, std::string>>{{"", "a"},
                                                                                     {"a", ""},
                                                                                     {"user", "user:42"},
                                                                                     {"user:*", "users"},
                                                                                     {"*b", "a"},
                                                                                     {"a*b*c", "ab"},
                                                                                     {"A", "a"}}) {
    EXPECT_FALSE(tag_matches(pattern, tag)) << pattern << ' ' << tag;
  }
  EXPECT_TRUE(any_tag_matches("b*", "a,bc,d"));
  EXPECT_FALSE(any_tag_matches("c", "a,bc,d"));
  EXPECT_FALSE(any_tag_matches("*", ""));
}

}  // namespace
}  // namespace forebay::engine
