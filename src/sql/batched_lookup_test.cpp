#include "sql/batched_lookup.hpp"

#include <gtest/gtest.h>

#include "sql/without_values.hpp"

namespace forebay::sql {
namespace {

/// The one rewrite of the text, values left out; what stands in the way, otherwise.
std::string batched(const std::string& text) {
  const auto found = batched_lookups(without_values(text, 4096));
  return found.size() == 1 ? found.front().text : std::to_string(found.size()) + " ways";
}

TEST(BatchedLookupTest, AskForManyKeysInThePlaceOfOne) {
  EXPECT_EQ(batched("SELECT id, name FROM teachers WHERE id = 7"),
            "SELECT id, name FROM teachers WHERE id = ANY($1)");
  EXPECT_EQ(batched("SELECT t.* FROM teachers t WHERE t.id = $1 AND t.gone IS NULL ORDER BY t.name"),
            "SELECT t.* FROM teachers t WHERE t.id = ANY($1) AND t.gone IS NULL ORDER BY t.name");
  EXPECT_EQ(
      batched("SELECT id FROM posts, tags WHERE 3 = tags.post_id AND posts.id = tags.post_id"),
      "SELECT tags.post_id, id FROM posts, tags WHERE tags.post_id = ANY($1) AND posts.id = tags.post_id");
  EXPECT_EQ(batched("select * from c where (c.\"Post\" = 3)"),
            "select * from c where (c.\"Post\" = ANY($1))");
}

TEST(BatchedLookupTest, TheKeyIsShown) {
  EXPECT_EQ(
      batched("SELECT s.id, s.name FROM students s JOIN seats e ON e.student = s.id WHERE e.course = 4"),
      "SELECT e.course, s.id, s.name FROM students s JOIN seats e ON e.student = s.id"
      " WHERE e.course = ANY($1)");
  EXPECT_EQ(batched("SELECT DISTINCT name FROM lessons WHERE \"Course\" = 4"),
            "SELECT DISTINCT \"Course\", name FROM lessons WHERE \"Course\" = ANY($1)");
}

TEST(BatchedLookupTest, AggregatesAreGroupedByTheKey) {
  EXPECT_EQ(batched("SELECT COUNT(*) AS n FROM comments WHERE comments.post_id = 9"),
            "SELECT comments.post_id, COUNT(*) AS n FROM comments WHERE comments.post_id = ANY($1)"
            " GROUP BY comments.post_id");
}

TEST(BatchedLookupTest, ALimitForEachKeyIsLeftOut) {
  EXPECT_EQ(batched("SELECT \"t\".\"id\" FROM \"t\" WHERE \"t\".\"id\" = 5 LIMIT 21"),
            "SELECT \"t\".\"id\" FROM \"t\" WHERE \"t\".\"id\" = ANY($1)");
}

TEST(BatchedLookupTest, OfSeveralKeysEachIsAWay) {
  const auto found = batched_lookups("SELECT a FROM t WHERE tenant = $1 AND id = $2");
  ASSERT_EQ(found.size(), 2);
  EXPECT_EQ(found[0].column, "tenant");
  EXPECT_EQ(found[1].parameter, 2);
  EXPECT_EQ(found[1].text, "SELECT id, a FROM t WHERE tenant = $1 AND id = ANY($2)");
}

TEST(BatchedLookupTest, WhatIsNoSumOverKeysIsLeft) {
  for (const char* text : {
           "SELECT a, count(*) FROM t WHERE id = 1 GROUP BY a",
           "SELECT a FROM t WHERE id = 1 OFFSET 3",
           "SELECT a FROM t WHERE id = 1 FOR UPDATE",
           "SELECT DISTINCT ON (a) b FROM t WHERE id = 1",
           "SELECT rank() OVER (ORDER BY a) FROM t WHERE id = 1",
           "SELECT a FROM t WHERE id = 1 UNION SELECT 2",
           "SELECT a FROM t WHERE id > 1",
           "SELECT a FROM t WHERE id = 1 OR b",
           "SELECT a FROM t WHERE 1 = id + 1",
           "SELECT a FROM t WHERE 1 + 1 = id",
           "SELECT a FROM t WHERE 1 = id::text",
           "SELECT a FROM t WHERE id = $1::int",
           "SELECT a FROM t WHERE id = 1 + b",
           "UPDATE t SET a = 1 WHERE id = 1",
           "SELECT a FROM t WHERE id = 1; SELECT 2",
           "SELECT FROM",
           "",
       }) {
    EXPECT_EQ(batched(text), "0 ways") << text;
  }
}

}  // namespace
}  // namespace forebay::sql
