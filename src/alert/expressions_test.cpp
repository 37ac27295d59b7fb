#include "alert/expressions.hpp"

#include <chrono>

#include <gtest/gtest.h>

#include "alert/generated.hpp"

namespace forebay::alert {
namespace {

using config::SignalId;
using std::chrono::seconds;

TEST(ExpressionsTest, MatchersStandInEverySelector) {
  const auto& signal = config::signal(SignalId::pool_use);
  EXPECT_EQ(expression_of(signal, seconds(60), {}),
            "sum without (state) (forebay_pool_backends{state=~\"active|tested|login|being_canceled\"}) / "
            "forebay_pool_backends_limit");
  EXPECT_EQ(expression_of(signal, seconds(60), {{"database", "shop"}, {"server", "*.example:5432"}}),
            "sum without (state) (forebay_pool_backends{state=~\"active|tested|login|being_canceled\","
            "database=\"shop\",server=~\".*\\\\.example:5432\"}) / "
            "forebay_pool_backends_limit{database=\"shop\",server=~\".*\\\\.example:5432\"}");
}

TEST(ExpressionsTest, NothingOfTheTemplatesIsLeft) {
  for (const config::Signal& signal : config::signals()) {
    for (const auto& more : {std::string(), std::string("instance=\"a\"")}) {
      const std::string text = expression_of(signal, seconds(60), {}, more);
      EXPECT_FALSE(text.empty()) << signal.name;
      EXPECT_EQ(text.find('@'), std::string::npos) << text;
      EXPECT_EQ(text.find("[W]"), std::string::npos) << text;
    }
  }
}

TEST(ExpressionsTest, AConditionComparesTheWayTheSignalIsBad) {
  config::RuleInUse rule{.name = "hits", .signal = &config::signal(SignalId::cache_troubled)};
  EXPECT_EQ(condition_of(rule, 0, seconds(60)), "(forebay_cache_troubled) > 0");
  rule.signal = &config::signal(SignalId::cache_hit_ratio);
  EXPECT_TRUE(condition_of(rule, 0.5, seconds(60)).ends_with(") < 0.5"));
}

TEST(GeneratedTest, WithoutRulesThereIsNoGroup) {
  config::Alerts alerts;
  alerts.rule_sets.clear();
  EXPECT_TRUE(prometheus_rules(alerts).ends_with("groups: []\n"));
}

}  // namespace
}  // namespace forebay::alert
