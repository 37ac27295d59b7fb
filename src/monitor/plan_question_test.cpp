#include "monitor/plan_question.hpp"

#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

TEST(PlanQuestion, CountsParametersAndKnowsWhatOnlyReads) {
  const Plannable read = plannable("SELECT a FROM t WHERE b = $1 AND c IN ($2, $3)");
  EXPECT_EQ(read.why_not, "");
  EXPECT_EQ(read.parameters, 3U);
  EXPECT_TRUE(read.is_plain_read);
  EXPECT_FALSE(plannable("UPDATE t SET a = $1").is_plain_read);
  EXPECT_FALSE(plannable("SELECT a FROM t FOR UPDATE").is_plain_read);
  EXPECT_FALSE(plannable("SELECT nextval($1)").is_plain_read);
  EXPECT_FALSE(plannable("WITH gone AS (DELETE FROM t RETURNING a) SELECT * FROM gone").is_plain_read);
  const Plannable foreign = plannable("SELECT own_function(a) FROM t");
  EXPECT_EQ(foreign.why_not, "");
  EXPECT_FALSE(foreign.is_plain_read);
  EXPECT_EQ(afterwards(foreign), engine::Errand::Afterwards::closed);
  EXPECT_EQ(afterwards(read), engine::Errand::Afterwards::closed_after_error);
}

TEST(PlanQuestion, WhatCannotBePlanned) {
  for (const auto text :
       {"", "VACUUM t", "SET a = $1", "EXPLAIN SELECT $1", "COPY t TO STDOUT", "CREATE TABLE t (a int)",
        "(longer than 32 KiB, or prepared in another way)", "SELECT a FROM t ORDER BY $1",
        "SELECT a, count(*) FROM t GROUP BY $1", "SELECT a FROM", "SELECT 1; SELECT 2", "SELECT 'a"})
    EXPECT_NE(plannable(text).why_not, "") << text;
  EXPECT_NE(plannable("SELECT " + std::string(1'100, 'a')).why_not, "");
  EXPECT_EQ(plannable("(SELECT a FROM t) UNION (SELECT b FROM u)").why_not, "");
  EXPECT_EQ(plannable("VALUES ($1)").why_not, "");
}

TEST(PlanQuestion, ATypeInFrontOfAValueBecomesACast) {
  const Plannable statement = plannable("SELECT now() - INTERVAL $1 < date $2, time FROM t WHERE date = $3");
  EXPECT_EQ(statement.text,
            "SELECT now ( ) - CAST($1 AS INTERVAL) < CAST($2 AS date) , time FROM t WHERE date = $3");
  EXPECT_EQ(statement.why_not, "");
}

TEST(PlanQuestion, ValuesAreQuoted) {
  const std::string question = analyze_question(plannable("SELECT $1, $2"), {"it's \\ one", std::nullopt});
  EXPECT_NE(question.find("E'it''s \\\\ one', NULL)"), std::string::npos) << question;
}

}  // namespace
}  // namespace forebay::monitor
