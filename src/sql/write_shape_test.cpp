#include "sql/write_shape.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

using Kind = WriteShape::Kind;
using Names = std::vector<std::string>;

/// "column=$1", "column=#0" for literals.
Names keys(std::string_view text) {
  const WriteShape shape = write_shape(text);
  EXPECT_NE(shape.kind, Kind::none) << text;
  Names found;
  for (const auto& key : shape.keys) {
    EXPECT_EQ(key.relation, shape.relation) << text;
    found.push_back(key.column + (key.parameter > 0 ? "=$" + std::to_string(key.parameter)
                                                    : "=#" + std::to_string(key.literal)));
  }
  return found;
}

Kind kind(std::string_view text) {
  return write_shape(text).kind;
}

TEST(WriteShape, ReadsTheKeysOfWhere) {
  EXPECT_EQ(keys("UPDATE s.t SET a = 5 WHERE id = $2"), Names{"id=$2"});
  EXPECT_EQ(keys("UPDATE t SET a = 5 WHERE b = 'x' AND 7 = id"), (Names{"b=#1", "id=#2"}));
  EXPECT_EQ(keys("UPDATE t x SET a = 1 WHERE x.id = $1 AND t.other = $2 AND s.x.c = $3"), Names{"id=$1"});
  EXPECT_EQ(keys("DELETE FROM t WHERE t.id = 5 RETURNING *"), Names{"id=#0"});
  EXPECT_EQ(keys("DELETE FROM t WHERE id = 5 OR id = 6"), Names{});
  EXPECT_EQ(keys("DELETE FROM t WHERE NOT id = 5 AND id > 6 AND id = $1::int AND id = a AND id IN (1)"),
            Names{});
  EXPECT_EQ(keys("DELETE FROM t WHERE CURRENT OF c"), Names{});
  EXPECT_EQ(keys("DELETE FROM t"), Names{});
}

TEST(WriteShape, AParameterThatStandsTwiceMayHaveAnotherType) {
  EXPECT_EQ(keys("INSERT INTO t (n, id) VALUES ($1, $1)"), Names{});
  EXPECT_EQ(keys("UPDATE t SET n = $1 WHERE id = $01 AND a = $10"), Names{"a=$10"});
  EXPECT_EQ(kind("UPDATE t SET n = $4294967297 WHERE id = $1"), Kind::none);
}

TEST(WriteShape, ReadsTheValuesOfOneRow) {
  EXPECT_EQ(keys("INSERT INTO t (a, id) VALUES (1, $1)"), (Names{"a=#0", "id=$1"}));
  EXPECT_EQ(keys("INSERT INTO t (a, id) VALUES (DEFAULT, -1)"), Names{});
  EXPECT_EQ(keys("INSERT INTO t (a[1], id) VALUES (1, 2) ON CONFLICT DO NOTHING"), Names{"id=#2"});
  EXPECT_EQ(keys("INSERT INTO t (id) VALUES (1), (2)"), Names{});
  EXPECT_EQ(keys("INSERT INTO t (id) OVERRIDING USER VALUE VALUES (1)"), Names{});
  EXPECT_EQ(keys("INSERT INTO t VALUES (1)"), Names{});
  EXPECT_EQ(keys("INSERT INTO t DEFAULT VALUES"), Names{});
}

TEST(WriteShape, OfAConflictOnlyTheColumnThatConflictsIsCertain) {
  EXPECT_EQ(keys("INSERT INTO t (id, a) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = 3"), Names{"id=#0"});
  EXPECT_EQ(keys("INSERT INTO t (id, a) VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET a = 3"), Names{"a=#1"});
  EXPECT_EQ(keys("INSERT INTO t (id, a) VALUES (1, 2) ON CONFLICT (id, a) DO UPDATE SET a = 3"), Names{});
  EXPECT_EQ(keys("INSERT INTO t (id) VALUES (1) ON CONFLICT (id) WHERE b DO UPDATE SET a = 3"), Names{});
  EXPECT_EQ(keys("INSERT INTO t (id) VALUES (1) ON CONFLICT ((id)) DO UPDATE SET a = 3"), Names{});
  EXPECT_EQ(keys("INSERT INTO t (id) VALUES (1) ON CONFLICT ((id + 1)) DO UPDATE SET a = 3"), Names{});
  EXPECT_EQ(keys("INSERT INTO t (id) VALUES (1) ON CONFLICT ON CONSTRAINT c DO UPDATE SET a = 3"), Names{});
}

TEST(WriteShape, SaysWhatIsAssigned) {
  EXPECT_EQ(write_shape("UPDATE t SET a = 1, (b, id) = (2, 3) WHERE id = 1").assigned,
            (Names{"a", "b", "id"}));
  EXPECT_EQ(write_shape("INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 3").assigned,
            Names{"id"});
  EXPECT_EQ(write_shape("INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO NOTHING").assigned, Names{});
}

TEST(WriteShape, TakesNothingThatReadsOrWritesMore) {
  for (const char* text : {
           "",
           "SELECT 1",
           "UPDATE t SET",
           "TRUNCATE t",
           "MERGE INTO t USING u ON a = b WHEN MATCHED THEN DELETE",
           "UPDATE t SET a = 1 WHERE id = 1; SELECT 1",
           "UPDATE t SET a = b FROM u WHERE t.id = 1",
           "UPDATE t SET a = (SELECT b FROM u) WHERE t.id = 1",
           "UPDATE t SET a = 1 WHERE id = 1 AND EXISTS (SELECT FROM u)",
           "UPDATE t SET a = 1 WHERE id = 1 RETURNING (SELECT 1)",
           "DELETE FROM t USING u WHERE t.id = 1",
           "WITH w AS (DELETE FROM u) DELETE FROM t WHERE id = 1",
           "INSERT INTO t (id) SELECT 1",
           "INSERT INTO t (id) VALUES ((SELECT 1))",
           "INSERT INTO t (id) WITH w AS (SELECT 1) VALUES (1)",
           "INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET a = (SELECT 1)",
           "EXPLAIN ANALYZE DELETE FROM t WHERE id = 1",
           "PREPARE p AS DELETE FROM t WHERE id = 1",
       }) {
    EXPECT_EQ(kind(text), Kind::none) << text;
  }
}

}  // namespace
}  // namespace forebay::sql
