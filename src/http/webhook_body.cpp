#include "http/webhook_body.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "http/alert_json.hpp"

namespace forebay::http {

namespace {

namespace json = boost::json;

/// Alertmanager takes an alert for resolved when it has not heard of it for so long; four times as long as
/// until it is told again.
constexpr double kValidSeconds = 240;

json::object alertmanager_alert(const std::string& instance, const alert::Alert& alert,
                                alert::AlertLevel level, double ends) {
  const config::Signal& signal = *alert.signal;
  json::object labels{
      {"alertname", alert.rule}, {"severity", config::name_of(level)}, {"instance", instance}};
  for (const auto& [label, value] : alert.labels) labels[label] = value;
  const bool is_flag = signal.unit == config::SignalUnit::flag;
  const std::string summary =
      is_flag ? std::string(signal.title)
              : fmt::format("{} is {}, {} {}", signal.title, config::value_text(signal.unit, alert.value),
                            signal.is_worse_below ? "below" : "above",
                            config::value_text(signal.unit, alert.threshold));
  return {{"labels", std::move(labels)},
          {"annotations",
           json::object{{"summary", summary}, {"description", alert.description}, {"action", signal.advice}}},
          {"startsAt", time_text(alert.started)},
          {"endsAt", time_text(ends)},
          {"generatorURL", "http://" + instance + "/#/alerts"}};
}

std::string body_of(const json::array& alerts) {
  return alerts.empty() ? std::string() : json::serialize(alerts);
}

}  // namespace

std::string changes_body(const std::string& instance, const std::vector<alert::Change>& changes) {
  json::array told;
  for (const alert::Change& change : changes) {
    json::object event{{"event", name_of(change.what)}, {"alert", to_json(change.alert)}};
    if (change.level_before) event["level_before"] = config::name_of(*change.level_before);
    told.push_back(std::move(event));
  }
  return json::serialize(json::object{{"instance", instance}, {"changes", std::move(told)}});
}

std::string alertmanager_body(const std::string& instance, const std::vector<alert::Change>& changes,
                              double now) {
  json::array told;
  for (const alert::Change& change : changes) {
    const alert::Alert& alert = change.alert;
    if (change.what == alert::Happened::acknowledged) continue;
    // To Alertmanager one of another severity is another alert.
    if (change.level_before) told.push_back(alertmanager_alert(instance, alert, *change.level_before, now));
    told.push_back(
        alertmanager_alert(instance, alert, alert.level, alert.resolved ? now : now + kValidSeconds));
  }
  return body_of(told);
}

std::string alertmanager_body(const std::string& instance, const std::vector<alert::Alert>& active,
                              double now) {
  json::array told;
  for (const alert::Alert& alert : active)
    told.push_back(alertmanager_alert(instance, alert, alert.level, now + kValidSeconds));
  return body_of(told);
}

}  // namespace forebay::http
