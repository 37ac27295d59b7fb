#include <fmt/format.h>

#include "alert/expressions.hpp"
#include "alert/generated.hpp"
#include "base/ascii.hpp"
#include "config/yaml_writer.hpp"

namespace forebay::alert {

namespace {

/// pool-full: ForebayPoolFull.
std::string alert_name(std::string_view rule) {
  std::string name = "Forebay";
  bool begins = true;
  for (const char c : rule) {
    const bool is_part = is_letter_or_digit(c);
    if (is_part) name += begins && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    begins = !is_part;
  }
  return name;
}

std::string duration_text(config::Duration time) {
  return fmt::format("{}ms", time.count());
}

/// Prometheus fills in labels and the value.
std::string summary_of(const config::RuleInUse& rule, double threshold) {
  std::string which;
  for (const std::string_view label : rule.signal->labels)
    which += fmt::format("{}{}={{{{ $labels.{} }}}}", which.empty() ? " of " : " ", label, label);
  if (rule.signal->unit == config::SignalUnit::flag) return fmt::format("{}{}", rule.signal->title, which);
  return fmt::format("{}{} is {{{{ $value }}}}, {} {}", rule.signal->title, which,
                     rule.signal->is_worse_below ? "below" : "above",
                     config::value_text(rule.signal->unit, threshold));
}

}  // namespace

std::string prometheus_rules(const config::Alerts& alerts) {
  std::string text =
      "# Made by: forebay generate prometheus-rules\n"
      "groups:\n"
      "  - name: forebay\n"
      "    rules:\n";
  const auto rules = config::rules_in_use(alerts);
  if (rules.empty()) return "# Made by: forebay generate prometheus-rules\ngroups: []\n";
  for (const config::RuleInUse& rule : rules) {
    for (const auto level : config::kAlertLevels) {
      const auto& threshold = rule.thresholds[static_cast<std::size_t>(level)];
      if (!threshold) continue;
      text += fmt::format("      - alert: {}\n", alert_name(rule.name));
      text += fmt::format("        expr: {}\n",
                          config::yaml_quoted(condition_of(rule, *threshold, alerts.window)));
      text += fmt::format("        for: {}\n", duration_text(rule.hold));
      text += fmt::format("        keep_firing_for: {}\n", duration_text(rule.resolve_after));
      text += fmt::format("        labels:\n          severity: {}\n          rule: {}\n", name_of(level),
                          config::yaml_quoted(rule.name));
      text += fmt::format(
          "        annotations:\n          summary: {}\n          description: {}\n          "
          "action: {}\n",
          config::yaml_quoted(summary_of(rule, *threshold)), config::yaml_quoted(rule.description),
          config::yaml_quoted(rule.signal->advice));
    }
  }
  return text;
}

}  // namespace forebay::alert
