#include "config/alert_rules.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "config/document.hpp"
#include "config/nearest.hpp"
#include "config/problem.hpp"
#include "config/reader.hpp"
#include "config/rule_sets.hpp"

namespace forebay::config {

namespace {

constexpr Duration kDefaultHold{60'000};

/// What `over` says holds; the rest is from `rule`.
AlertRule laid_over(AlertRule rule, const AlertRule& over) {
  if (!over.signal.empty()) rule.signal = over.signal;
  if (over.info) rule.info = over.info;
  if (over.warning) rule.warning = over.warning;
  if (over.critical) rule.critical = over.critical;
  if (over.hold) rule.hold = over.hold;
  if (over.resolve_after) rule.resolve_after = over.resolve_after;
  if (!over.match.empty()) rule.match = over.match;
  if (!over.description.empty()) rule.description = over.description;
  if (over.enabled) rule.enabled = over.enabled;
  return rule;
}

const std::optional<std::string>& threshold_of(const AlertRule& rule, AlertLevel level) {
  switch (level) {
    case AlertLevel::info:
      return rule.info;
    case AlertLevel::warning:
      return rule.warning;
    case AlertLevel::critical:
      break;
  }
  return rule.critical;
}

std::pair<std::string, std::string> split_match(const std::string& match) {
  const auto equals = match.find('=');
  return {
      std::string(trimmed(match.substr(0, equals))),
      equals == std::string::npos ? "" : std::string(trimmed(std::string_view(match).substr(equals + 1)))};
}

RuleSets read_sets() {
  RuleSets sets;
  for (const RuleSetFile& file : rule_set_files()) {
    Settings settings;
    Places places;
    std::vector<Problem> problems;
    const auto nothing = [](const std::string&) { return std::optional<std::string>(); };
    const NodePtr root = parse_document(file.text, std::string(file.name), nothing, problems);
    if (root != nullptr) read_document(*root, settings, {}, places, problems);
    if (!problems.empty()) throw std::logic_error(to_string(problems));  // a file of our own
    sets[std::string(file.name)] = settings.alerts.rules;
  }
  return sets;
}

using Mistakes = std::vector<std::pair<std::string, std::string>>;

void check_thresholds(const AlertRule& rule, const Signal& signal, Mistakes& mistakes) {
  std::optional<double> lower;
  std::string lower_name;
  for (const AlertLevel level : kAlertLevels) {
    const auto& text = threshold_of(rule, level);
    if (!text) continue;
    const std::string key(name_of(level));
    const auto value = parse_threshold(signal.unit, *text);
    if (!value) {
      mistakes.emplace_back(key, fmt::format("{} {}", signal.name, value.error().text));
      continue;
    }
    const bool is_milder = lower && *value != *lower && !is_beyond(signal, *value, *lower);
    if (is_milder) {
      mistakes.emplace_back(key, fmt::format("is milder than {}; {} is worse {}", lower_name, signal.name,
                                             signal.is_worse_below ? "the lower it is" : "the higher it is"));
    }
    lower = *value;
    lower_name = key;
  }
  if (!rule.info && !rule.warning && !rule.critical)
    mistakes.emplace_back("", "has no threshold; give it info, warning or critical");
}

void check_match(const AlertRule& rule, const Signal& signal, Mistakes& mistakes) {
  for (const std::string& match : rule.match) {
    const auto [label, pattern] = split_match(match);
    if (pattern.empty()) {
      mistakes.emplace_back("match", "takes label=pattern, for example database=shop");
    } else if (std::ranges::find(signal.labels, label) == signal.labels.end()) {
      const std::vector<std::string> known(signal.labels.begin(), signal.labels.end());
      mistakes.emplace_back("match", known.empty()
                                         ? fmt::format("{} has no labels", signal.name)
                                         : fmt::format("{} has no label {} (it has {})", signal.name,
                                                       in_quotes(label), joined(known)));
    }
  }
}

}  // namespace

bool is_beyond(const Signal& signal, double value, double threshold) {
  return signal.is_worse_below ? value < threshold : value > threshold;
}

bool fits(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t from = star; from <= text.size(); ++from) {
    if (fits(rest, text.substr(from))) return true;
  }
  return false;
}

const RuleSets& rule_sets() {
  static const RuleSets all = read_sets();
  return all;
}

std::vector<std::string> rule_set_names() {
  std::vector<std::string> names;
  for (const auto& [name, rules] : rule_sets()) names.push_back(name);
  return names;
}

std::map<std::string, AlertRule> merged_rules(const Alerts& alerts) {
  std::map<std::string, AlertRule> merged;
  const auto lay = [&merged](const std::map<std::string, AlertRule>& rules) {
    for (const auto& [name, rule] : rules) merged[name] = laid_over(merged[name], rule);
  };
  for (const std::string& set : alerts.rule_sets) {
    const auto at = rule_sets().find(set);
    if (at != rule_sets().end()) lay(at->second);
  }
  lay(alerts.rules);
  return merged;
}

std::vector<RuleInUse> rules_in_use(const Alerts& alerts) {
  std::vector<RuleInUse> all;
  for (const auto& [name, rule] : merged_rules(alerts)) {
    if (!rule.enabled.value_or(true)) continue;
    RuleInUse& in_use = all.emplace_back();
    in_use.name = name;
    in_use.signal = find_signal(rule.signal);
    for (const AlertLevel level : kAlertLevels) {
      if (const auto& text = threshold_of(rule, level))
        in_use.thresholds[static_cast<std::size_t>(level)] = *parse_threshold(in_use.signal->unit, *text);
    }
    in_use.hold = rule.hold.value_or(kDefaultHold);
    in_use.resolve_after = rule.resolve_after.value_or(in_use.hold);
    for (const std::string& match : rule.match) in_use.matches.push_back(split_match(match));
    in_use.description = rule.description.empty() ? std::string(in_use.signal->help) : rule.description;
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> mistakes_of(const AlertRule& rule) {
  Mistakes mistakes;
  if (rule.signal.empty()) {
    mistakes.emplace_back("", "watches nothing; give it a signal");
    return mistakes;
  }
  const Signal* signal = find_signal(rule.signal);
  if (signal == nullptr) {
    std::vector<std::string> known;
    for (const Signal& each : signals()) known.emplace_back(each.name);
    const auto near = nearest(rule.signal, known);
    mistakes.emplace_back("signal", fmt::format("{} is no signal{}", in_quotes(rule.signal),
                                                near ? fmt::format("; did you mean {}?", *near)
                                                     : fmt::format(" (there are {})", joined(known))));
    return mistakes;
  }
  check_thresholds(rule, *signal, mistakes);
  check_match(rule, *signal, mistakes);
  return mistakes;
}

}  // namespace forebay::config
