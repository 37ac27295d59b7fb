#include "config/alert_rules.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "config/checks.hpp"

namespace forebay::config {
namespace {

/// A threshold of a set's rule, as a number.
double threshold(const std::string& set, const std::string& name, AlertLevel level) {
  Alerts alerts;
  alerts.rule_sets = {set};
  for (const RuleInUse& rule : rules_in_use(alerts)) {
    if (rule.name == name) return rule.thresholds.at(static_cast<std::size_t>(level)).value_or(-1);
  }
  return -1;
}

constexpr auto kInfo = AlertLevel::info;
constexpr auto kWarning = AlertLevel::warning;
constexpr auto kCritical = AlertLevel::critical;

TEST(AlertRulesTest, SignalsStandInTheOrderOfTheirIds) {
  for (std::size_t i = 0; i < signals().size(); ++i)
    EXPECT_EQ(static_cast<std::size_t>(signals()[i].id), i) << signals()[i].name;
  EXPECT_EQ(signals().back().id, SignalId::server_dead_rows);
}

TEST(AlertRulesTest, ShippedSetsAreWithoutMistakes) {
  EXPECT_EQ(rule_set_names(), (std::vector<std::string>{"bdc", "classroom", "forebay", "lms", "prepnexus"}));
  for (const auto& [set, rules] : rule_sets()) {
    for (const auto& [name, rule] : rules) {
      for (const auto& [key, why] : mistakes_of(rule))
        ADD_FAILURE() << set << ": " << name << " " << key << why;
    }
  }
}

/// L18: critical p99 > 2 s, errors > 5 %, CPU > 90 %; warning p95 > 1 s, errors > 2 %, CPU > 70 %; info
/// p95 > 800 ms, errors > 1 %.
TEST(AlertRulesTest, ThresholdsOfLms) {
  EXPECT_EQ(threshold("lms", "lms-p99", kCritical), 2);
  EXPECT_EQ(threshold("lms", "lms-p95", kWarning), 1);
  EXPECT_EQ(threshold("lms", "lms-p95", kInfo), 0.8);
  EXPECT_EQ(threshold("lms", "lms-errors", kCritical), 0.05);
  EXPECT_EQ(threshold("lms", "lms-errors", kWarning), 0.02);
  EXPECT_EQ(threshold("lms", "lms-errors", kInfo), 0.01);
  EXPECT_EQ(threshold("lms", "lms-processors", kCritical), 0.9);
  EXPECT_EQ(threshold("lms", "lms-processors", kWarning), 0.7);
}

/// B18: memory > 90 % critical, > 80 % warning; CPU likewise; slow queries > 10, hit rate < 50 %, slow
/// requests > 10 % warning. B21: hit < 5 ms, leak < 1 MB/h.
TEST(AlertRulesTest, ThresholdsOfBdc) {
  EXPECT_EQ(threshold("bdc", "bdc-memory", kCritical), 0.9);
  EXPECT_EQ(threshold("bdc", "bdc-memory", kWarning), 0.8);
  EXPECT_EQ(threshold("bdc", "bdc-processors", kCritical), 0.9);
  EXPECT_EQ(threshold("bdc", "bdc-processors", kWarning), 0.8);
  EXPECT_EQ(threshold("bdc", "bdc-slow-queries", kWarning), 10);
  EXPECT_EQ(threshold("bdc", "bdc-hit-rate", kWarning), 0.5);
  EXPECT_EQ(threshold("bdc", "bdc-slow-requests", kWarning), 0.1);
  EXPECT_EQ(threshold("bdc", "bdc-hit", kInfo), 0.005);
  EXPECT_EQ(threshold("bdc", "bdc-leak", kInfo), 1e6);
}

/// C11: connections > 80 %, hit ratio < 90 %, mean query > 1000 ms, errors > 5 %, replication lag > 5 s. C12:
/// cache < 10 ms.
TEST(AlertRulesTest, ThresholdsOfClassroom) {
  EXPECT_EQ(threshold("classroom", "classroom-connections", kWarning), 0.8);
  EXPECT_EQ(threshold("classroom", "classroom-hit-ratio", kWarning), 0.9);
  EXPECT_EQ(threshold("classroom", "classroom-query", kWarning), 1);
  EXPECT_EQ(threshold("classroom", "classroom-errors", kWarning), 0.05);
  EXPECT_EQ(threshold("classroom", "classroom-lag", kWarning), 5);
  EXPECT_EQ(threshold("classroom", "classroom-cached", kInfo), 0.01);
  EXPECT_EQ(threshold("classroom", "classroom-server-connections", kWarning), 0.8);
  EXPECT_EQ(threshold("classroom", "classroom-server-hit-ratio", kWarning), 0.9);
}

/// P8: cached < 100 ms, query < 200 ms, uncached < 500 ms; hits > 80 %; pool, CPU, memory < 80 %; errors <
/// 0.1 %.
TEST(AlertRulesTest, ThresholdsOfPrepnexus) {
  EXPECT_EQ(threshold("prepnexus", "prepnexus-health", kWarning), 0.05);
  EXPECT_DOUBLE_EQ(threshold("prepnexus", "prepnexus-uptime", kWarning), 0.999);
  EXPECT_EQ(threshold("prepnexus", "prepnexus-cached", kWarning), 0.1);
  EXPECT_EQ(threshold("prepnexus", "prepnexus-query", kWarning), 0.2);
  EXPECT_EQ(threshold("prepnexus", "prepnexus-uncached", kWarning), 0.5);
  EXPECT_EQ(threshold("prepnexus", "prepnexus-hits", kWarning), 0.8);
  EXPECT_EQ(threshold("prepnexus", "prepnexus-pool", kWarning), 0.8);
  EXPECT_EQ(threshold("prepnexus", "prepnexus-processors", kWarning), 0.8);
  EXPECT_EQ(threshold("prepnexus", "prepnexus-memory", kWarning), 0.8);
  EXPECT_EQ(threshold("prepnexus", "prepnexus-errors", kWarning), 0.001);
}

TEST(AlertRulesTest, ARuleOfTheSameNameIsLaidOverTheSets) {
  Alerts alerts;
  alerts.rules["pool-wait"].warning = "3s";
  alerts.rules["pool-full"].enabled = false;
  const auto rules = rules_in_use(alerts);
  const auto wait = std::ranges::find(rules, "pool-wait", &RuleInUse::name);
  ASSERT_NE(wait, rules.end());
  EXPECT_EQ(wait->thresholds[1], 3);
  EXPECT_EQ(wait->thresholds[2], 10) << "the rest stays";
  EXPECT_EQ(std::ranges::find(rules, "pool-full", &RuleInUse::name), rules.end());
}

std::string mistakes(const std::string& name, const AlertRule& rule) {
  Alerts alerts;
  alerts.rules[name] = rule;
  std::string text;
  for (const KeyMistake& mistake : check_alerts(alerts)) text += mistake.key + ": " + mistake.text + "\n";
  return text;
}

TEST(AlertRulesTest, MistakesSayWhereAndWhy) {
  EXPECT_EQ(mistakes("x", {.signal = "pool.us", .warning = "80%"}),
            "alerts.rules.x.signal: \"pool.us\" is no signal; did you mean pool.use?\n");
  EXPECT_EQ(mistakes("x", {.signal = "pool.use", .warning = "80"}),
            "alerts.rules.x.warning: pool.use takes a share such as 80%\n");
  EXPECT_EQ(mistakes("x", {.signal = "pool.use"}),
            "alerts.rules.x: has no threshold; give it info, warning or critical\n");
  EXPECT_EQ(mistakes("x", {.warning = "1s"}), "alerts.rules.x: watches nothing; give it a signal\n");
  EXPECT_EQ(mistakes("x", {.signal = "pool.use", .warning = "80%", .critical = "70%"}),
            "alerts.rules.x.critical: is milder than warning; pool.use is worse the higher it is\n");
  EXPECT_EQ(mistakes("x", {.signal = "query.p95", .warning = "1s", .match = {"server=a"}}),
            "alerts.rules.x.match: query.p95 has no label \"server\" (it has database)\n");
  EXPECT_EQ(mistakes("x", {.signal = "cache.hit_ratio", .warning = "80%", .critical = "50%"}), "");
}

TEST(AlertRulesTest, AnAddressForWebhooksIsOneByHttp) {
  const auto wrong = [](const std::string& url) {
    Alerts alerts;
    alerts.webhook.url = url;
    return !check_alerts(alerts).empty();
  };
  EXPECT_FALSE(wrong("http://127.0.0.1:9093"));
  EXPECT_FALSE(wrong("https://alerts.example/hook?team=db"));
  for (const char* url :
       {"ftp://a/b", "alerts.example", "http://", "https://user:secret@alerts.example/", "http://a:0/"})
    EXPECT_TRUE(wrong(url)) << url;
}

TEST(AlertRulesTest, PatternsFitByStars) {
  EXPECT_TRUE(fits("*", ""));
  EXPECT_TRUE(fits("a*c", "abc"));
  EXPECT_TRUE(fits("*:5432", "db:5432"));
  EXPECT_FALSE(fits("a*c", "abd"));
  EXPECT_FALSE(fits("a", "ab"));
}

TEST(AlertRulesTest, ValuesAreWrittenForPeople) {
  EXPECT_EQ(value_text(SignalUnit::share, 0.935), "93.5 %");
  EXPECT_EQ(value_text(SignalUnit::seconds, 1.2), "1.2 s");
  EXPECT_EQ(value_text(SignalUnit::seconds, 0.25), "250 ms");
  EXPECT_EQ(value_text(SignalUnit::bytes_per_hour, 1.5e6), "1.5 MB/h");
  EXPECT_EQ(value_text(SignalUnit::bytes, 2e6), "2 MB");
  EXPECT_EQ(value_text(SignalUnit::bytes, 5.5e9), "5.5 GB");
}

}  // namespace
}  // namespace forebay::config
