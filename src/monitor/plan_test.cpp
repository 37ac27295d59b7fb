#include "monitor/plan.hpp"

#include <gtest/gtest.h>

#include "monitor/reading.hpp"

namespace forebay::monitor {
namespace {

Plan plan_of(std::string_view node) {
  auto plan = read_plan("[{\"Plan\": " + std::string(node) + "}]");
  EXPECT_TRUE(plan) << node;
  return std::move(*plan);
}

constexpr std::string_view kScan =
    R"json({"Node Type": "Seq Scan", "Relation Name": "progress", "Schema": "public", "Alias": "progress",
        "Total Cost": 100.5, "Plan Rows": 7, "Filter": "(progress.user_id = $1)"
})json";
constexpr std::string_view kIndexed =
    R"json({"Node Type": "Index Scan", "Relation Name": "progress", "Schema": "public", "Alias": "progress",
        "Index Name": "progress_user_id", "Total Cost": 8.3, "Plan Rows": 7})json";

TEST(Plan, KeepsStepsAndNoValues) {
  const Plan plan = plan_of(R"json({"Node Type": "Seq Scan", "Relation Name": "t", "Total Cost": 12.5,
      "Output": ["a very long list"], "Filter": "((t.state = 'a secret'::text) AND (t.n > 5))"})json");
  EXPECT_EQ(plan.total_cost, 12.5);
  EXPECT_EQ(text_in(plan.root, "filter"), "((t.state = $1::text) AND (t.n > $2))");
  EXPECT_FALSE(plan.root.contains("output"));
}

TEST(Plan, ThatIsNone) {
  EXPECT_FALSE(read_plan("nonsense"));
  EXPECT_FALSE(read_plan("[]"));
  EXPECT_FALSE(read_plan(R"json([{"Plan": 5}])json"));
  std::string deep = R"json({"Node Type": "Limit"})json";
  for (int i = 0; i < 200; ++i) deep = R"json({"Node Type": "Limit", "Plans": [)json" + deep + "]}";
  const auto plan = read_plan("[{\"Plan\": " + deep + "}]");
  EXPECT_FALSE(plan);
}

TEST(Plan, CostsAreNoDifference) {
  const Plan dearer =
      plan_of(R"json({"Node Type": "Seq Scan", "Relation Name": "progress", "Schema": "public",
      "Alias": "progress", "Total Cost": 999, "Plan Rows": 70, "Filter": "(progress.user_id = $1)"})json");
  EXPECT_EQ(shape_of(dearer.root), shape_of(plan_of(kScan).root));
  EXPECT_TRUE(plan_changes(plan_of(kScan).root, dearer.root).empty());
}

TEST(Plan, AnotherWayToATableIsTold) {
  const std::vector<std::string> expected = {"Seq Scan on progress became Index Scan using progress_user_id"};
  EXPECT_EQ(plan_changes(plan_of(kScan).root, plan_of(kIndexed).root), expected);
}

TEST(Plan, ABitmapIsNamedByItsIndex) {
  const Plan bitmap =
      plan_of(R"json({"Node Type": "Bitmap Heap Scan", "Relation Name": "progress", "Alias": "progress",
      "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "progress_user_id"}]})json");
  const std::vector<std::string> expected = {
      "Seq Scan on progress became Bitmap Heap Scan using progress_user_id"};
  EXPECT_EQ(plan_changes(plan_of(kScan).root, bitmap.root), expected);
}

TEST(Plan, StepsThatCameAndWent) {
  const Plan sorted = plan_of(R"json({"Node Type": "Sort", "Plans": [)json" + std::string(kScan) + "]}");
  EXPECT_EQ(plan_changes(plan_of(kScan).root, sorted.root), std::vector<std::string>{"Sort came"});
  EXPECT_EQ(plan_changes(sorted.root, plan_of(kScan).root), std::vector<std::string>{"Sort went"});
}

TEST(Plan, JoinsTheOtherWayRound) {
  const auto join = [](std::string_view one, std::string_view other) {
    return plan_of(R"json({"Node Type": "Hash Join", "Join Type": "Inner", "Plans": [)json" +
                   std::string(one) + "," + std::string(other) + "]}");
  };
  const std::string_view other =
      R"json({"Node Type": "Seq Scan", "Relation Name": "users", "Alias": "u"})json";
  EXPECT_EQ(plan_changes(join(kScan, other).root, join(other, kScan).root),
            std::vector<std::string>{"the same steps in another order"});
}

}  // namespace
}  // namespace forebay::monitor
