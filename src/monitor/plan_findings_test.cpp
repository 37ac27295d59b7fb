#include "monitor/plan_findings.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

boost::json::object node(std::string_view filter, int rows = 10) {
  return {{"node_type", "Seq Scan"}, {"schema", "public"}, {"relation_name", "t"}, {"alias", "t"},
          {"plan_rows", rows},       {"filter", filter}};
}

std::string facts(double rows, std::string_view columns, bool partition = false) {
  return R"({"tables": [{"schema": "public", "table": "t", "name": "public.t", "rows": )" +
         std::to_string(rows) + R"(, "partition": )" + (partition ? "true" : "false") + R"(, "columns": [)" +
         std::string(columns) + "]}]}";
}

constexpr std::string_view kPlain = R"({"name": "a", "varchar": false, "indexed": false})";
constexpr std::string_view kIndexed = R"({"name": "a", "varchar": false, "indexed": true})";

std::string suggestion(const boost::json::array& findings) {
  return findings.empty() ? "" : std::string(findings.front().at("suggestion").as_string().c_str());
}

TEST(PlanFindings, AnIndexIsSuggestedForALargeTableWithFewRowsLeft) {
  const auto findings = plan_findings(node("(t.a = $1)"), facts(100'000, kPlain));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(suggestion(findings), "CREATE INDEX CONCURRENTLY ON public.t (a);");
  EXPECT_EQ(findings.front().at("kind").as_string(), "sequential_scan");
}

TEST(PlanFindings, NothingIsSaidWhereAnIndexIsThereOrWouldNotHelp) {
  EXPECT_TRUE(plan_findings(node("(t.a = $1)"), facts(100'000, kIndexed)).empty());
  EXPECT_TRUE(plan_findings(node("(t.a = $1)"), facts(9'000, kPlain)).empty());
  EXPECT_TRUE(plan_findings(node("(t.a = $1)", 50'000), facts(100'000, kPlain)).empty());
  EXPECT_TRUE(plan_findings(node("(t.a = $1)"), facts(100'000, kPlain, true)).empty()) << "a partition";
  EXPECT_TRUE(plan_findings(node("(t.a = $1)"), "").empty());
  EXPECT_TRUE(plan_findings(node("(t.a = $1)"), "nonsense").empty());
}

TEST(PlanFindings, OnlyWhatAnIndexCanServe) {
  for (const auto filter : {"((t.a = $1) OR (t.b = $2))", "(lower(t.a) = $1)", "(t.a = t.b)", "(t.a > $1)",
                            "(t.a <> $1)", "((t.a + $1) = $2)", "(t.a = (t.b + $1))", ""})
    EXPECT_TRUE(filtered_scans(node(filter)).empty()) << filter;
  const auto scans =
      filtered_scans(node("((t.a = $1) AND ((t.\"odd name\")::text = ($2)::text) AND (t.c > $3))"));
  ASSERT_EQ(scans.size(), 1U);
  EXPECT_EQ(scans.front().columns, (std::vector<std::string>{"a", "\"odd name\""}));
  EXPECT_EQ(scans.front().cast_columns, std::vector<std::string>{"\"odd name\""});
  EXPECT_EQ(filtered_scans(node("(t.a = ANY ($1))")).size(), 1U);
}

TEST(PlanFindings, AColumnThatIsComparedAsTextHasToBeOne) {
  const std::string_view filter = "((t.a)::text = $1)";
  EXPECT_TRUE(plan_findings(node(filter), facts(100'000, kPlain)).empty());
  const std::string varchar = R"({"name": "a", "varchar": true, "indexed": false})";
  EXPECT_EQ(suggestion(plan_findings(node(filter), facts(100'000, varchar))),
            "CREATE INDEX CONCURRENTLY ON public.t (a);");
}

TEST(PlanFindings, RowsOfOneProcessAreNotAll) {
  boost::json::object gather{{"node_type", "Gather"}, {"workers_planned", 2}};
  gather["plans"] = boost::json::array{node("(t.a = $1)", 1'000)};
  EXPECT_EQ(filtered_scans(gather).front().rows, 2'400);
}

TEST(PlanFindings, WhatWasMeasured) {
  boost::json::object sort{{"node_type", "Sort"}, {"sort_space_type", "Disk"}, {"sort_space_used", 5'000}};
  boost::json::object scan = node("");
  scan["actual_rows"] = 20'000;
  sort["plans"] = boost::json::array{scan};
  const auto findings = plan_findings(sort, "");
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].at("kind").as_string(), "sort_on_disk");
  EXPECT_EQ(findings[1].at("evidence").as_string(), "10 were expected, 20000 came");
}

TEST(PlanFindings, ATableThatWasNeverAnalysed) {
  EXPECT_EQ(suggestion(plan_findings(node("(t.a = $1)"), facts(-1, kPlain))), "ANALYZE public.t;");
}

}  // namespace
}  // namespace forebay::monitor
