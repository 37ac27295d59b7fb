#include "http/alert_json.hpp"

#include <cmath>
#include <ctime>

#include <fmt/chrono.h>

namespace forebay::http {

namespace {

namespace json = boost::json;

std::string_view name_of(config::SignalUnit unit) {
  switch (unit) {
    case config::SignalUnit::share:
      return "share";
    case config::SignalUnit::seconds:
      return "seconds";
    case config::SignalUnit::count:
      return "count";
    case config::SignalUnit::bytes:
      return "bytes";
    case config::SignalUnit::bytes_per_hour:
      return "bytes_per_hour";
    case config::SignalUnit::flag:
      break;
  }
  return "flag";
}

json::value deed(const std::optional<double>& time, const std::string& by) {
  if (!time) return nullptr;
  return json::object{{"time", time_text(*time)}, {"by", by.empty() ? json::value() : json::value(by)}};
}

}  // namespace

std::string time_text(double seconds) {
  const double whole = std::floor(seconds);
  return fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(whole)),
                     static_cast<int>((seconds - whole) * 1000));
}

json::object to_json(const alert::Alert& alert) {
  const config::Signal& signal = *alert.signal;
  json::object labels;
  for (const auto& [label, value] : alert.labels) labels[label] = value;
  return {{"id", alert.id},
          {"alert", alert.rule},
          {"level", config::name_of(alert.level)},
          {"title", signal.title},
          {"description", alert.description},
          {"advice", signal.advice},
          {"signal", signal.name},
          {"labels", std::move(labels)},
          {"unit", name_of(signal.unit)},
          {"worse", signal.is_worse_below ? "below" : "above"},
          {"value", alert.value},
          {"value_text", config::value_text(signal.unit, alert.value)},
          {"threshold", alert.threshold},
          {"threshold_text", config::value_text(signal.unit, alert.threshold)},
          {"started", time_text(alert.started)},
          {"level_since", time_text(alert.level_since)},
          {"acknowledged", deed(alert.acknowledged, alert.acknowledged_by)},
          {"resolved", deed(alert.resolved, alert.resolved_by)}};
}

json::object to_json(const config::RuleInUse& rule) {
  const config::Signal& signal = *rule.signal;
  json::object thresholds;
  for (const auto level : config::kAlertLevels) {
    const auto& threshold = rule.thresholds[static_cast<std::size_t>(level)];
    if (!threshold) continue;
    const bool is_flag = signal.unit == config::SignalUnit::flag;
    thresholds[config::name_of(level)] = is_flag ? "yes" : config::value_text(signal.unit, *threshold);
  }
  json::object matches;
  for (const auto& [label, pattern] : rule.matches) matches[label] = pattern;
  return {{"alert", rule.name},
          {"signal", signal.name},
          {"title", signal.title},
          {"description", rule.description},
          {"worse", signal.is_worse_below ? "below" : "above"},
          {"thresholds", std::move(thresholds)},
          {"for_ms", rule.hold.count()},
          {"resolve_after_ms", rule.resolve_after.count()},
          {"match", std::move(matches)}};
}

json::object counts_of(const AlertFigures& alerts) {
  std::uint64_t counts[config::kAlertLevels.size()] = {};
  std::uint64_t acknowledged = 0;
  for (const alert::Alert& alert : alerts.active)
    ++(alert.acknowledged ? acknowledged : counts[static_cast<std::size_t>(alert.level)]);
  json::object told;
  for (const auto level : config::kAlertLevels)
    told[config::name_of(level)] = counts[static_cast<std::size_t>(level)];
  told["acknowledged"] = acknowledged;
  return told;
}

}  // namespace forebay::http
