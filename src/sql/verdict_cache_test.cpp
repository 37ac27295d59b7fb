#include "sql/verdict_cache.hpp"

#include <string>

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

TEST(VerdictCache, KnowsAStatementWithOtherData) {
  VerdictCache cache;
  const Verdict* first = &cache.of("INSERT INTO t VALUES (1)", true);
  EXPECT_EQ(*first, analyse("INSERT INTO t VALUES (1)"));
  EXPECT_EQ(&cache.of("INSERT INTO t\nVALUES (2)", true), first);
  EXPECT_EQ(cache.entries(), 1U);
}

TEST(VerdictCache, KeepsSettingsApart) {
  VerdictCache cache;
  EXPECT_EQ(cache.of("SELECT set_config('a', '1', false)", true).settings.at(0), "a");
  EXPECT_EQ(cache.of("SELECT set_config('b', '1', false)", true).settings.at(0), "b");
}

TEST(VerdictCache, RemembersWhatCannotBeParsed) {
  VerdictCache cache;
  EXPECT_TRUE(cache.of("SELEC 1", true).effects.has(Effect::unparsable));
  EXPECT_TRUE(cache.of("SELECT 'a", true).effects.has(Effect::unparsable));
  EXPECT_TRUE(cache.of("SELECT \"b", true).effects.has(Effect::unparsable));
  EXPECT_EQ(cache.entries(), 2U);
}

TEST(VerdictCache, DoesNotTrustBackslashesOutsideStandardStrings) {
  VerdictCache cache;
  const std::string hidden = R"(SELECT '\'; SET role = admin; --')";
  EXPECT_TRUE(cache.of(hidden, false).effects.has(Effect::unparsable));
  EXPECT_EQ(cache.of(hidden, true).statements, 2);
  EXPECT_EQ(cache.of("SELECT 'a'", false).statements, 1);
}

TEST(VerdictCache, DoesNotTrustEncodingsThatEmbedAscii) {
  EXPECT_TRUE(embeds_ascii("SJIS"));
  EXPECT_FALSE(embeds_ascii("UTF8"));
  EXPECT_FALSE(embeds_ascii("EUC_JP"));
  VerdictCache cache;
  EXPECT_TRUE(cache.of("SELECT E'\x95\\'", true, true).effects.has(Effect::unparsable));
  EXPECT_EQ(cache.of("SELECT 'a'", true, true).statements, 1);
}

TEST(VerdictCache, IsBoundedByEntries) {
  VerdictCache cache({.entries = 10, .bytes = 1 << 20});
  for (int i = 0; i < 1000; ++i) {
    cache.of("SELECT 1", true);
    const Verdict verdict = cache.of("SELECT a FROM t" + std::to_string(i), true);
    EXPECT_EQ(verdict.relations.at(0), "t" + std::to_string(i));
    EXPECT_LE(cache.entries(), 10U);
  }
}

TEST(VerdictCache, ForgetsWhatIsNotAskedFor) {
  VerdictCache cache({.entries = 10, .bytes = 1 << 20});
  const Verdict* kept = &cache.of("SELECT 1", true);
  for (int i = 0; i < 100; ++i) {
    cache.of("SELECT a FROM t" + std::to_string(i), true);
    EXPECT_EQ(&cache.of("SELECT 2", true), kept);  // moved between generations, never made anew
  }
}

TEST(VerdictCache, IsBoundedByBytes) {
  VerdictCache cache({.entries = 1000, .bytes = 10'000});
  for (int i = 0; i < 1000; ++i) {
    cache.of("SELECT a FROM " + std::string(60, 'a') + std::to_string(i) + ", " + std::string(60, 'b'), true);
    EXPECT_LE(cache.bytes(), 10'000U);
  }
  EXPECT_GT(cache.entries(), 10U);
  std::string many = "SELECT * FROM a";
  for (int i = 0; i < 1000; ++i) many += ", t" + std::to_string(i);
  EXPECT_EQ(cache.of(many, true).relations.size(), 1001U);
  EXPECT_LE(cache.bytes(), 10'000U);
  EXPECT_EQ(cache.of(many, true).relations.size(), 1001U);
}

TEST(VerdictCache, WorksWithoutRoom) {
  VerdictCache cache({.entries = 0, .bytes = 0});
  EXPECT_EQ(cache.of("SELECT 1", true).statements, 1);
  EXPECT_EQ(cache.entries(), 0U);
}

}  // namespace
}  // namespace forebay::sql
