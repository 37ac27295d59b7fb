#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "alert/expressions.hpp"
#include "alert/generated.hpp"

namespace forebay::alert {

namespace {

namespace json = boost::json;

constexpr int kHeight = 8;
constexpr int kWidth = 12;
/// The version of the form of dashboards that Grafana 9 writes; later ones read it.
constexpr int kSchemaVersion = 36;
/// So that a dashboard can show several Forebays apart.
constexpr std::string_view kChosen = "instance=~\"$instance\"";

json::object source() {
  return {{"type", "prometheus"}, {"uid", "${source}"}};
}

/// Grafana's names of units:
/// https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options
std::string_view unit_of(config::SignalUnit unit) {
  switch (unit) {
    case config::SignalUnit::share:
      return "percentunit";
    case config::SignalUnit::seconds:
      return "s";
    case config::SignalUnit::bytes:
    case config::SignalUnit::bytes_per_hour:
      return "decbytes";
    case config::SignalUnit::count:
    case config::SignalUnit::flag:
      break;
  }
  return "short";
}

std::string_view colour_of(config::AlertLevel level) {
  switch (level) {
    case config::AlertLevel::info:
      return "blue";
    case config::AlertLevel::warning:
      return "orange";
    case config::AlertLevel::critical:
      break;
  }
  return "red";
}

/// Steps from the lowest value up; the first begins at minus infinity, which is written as null.
json::object thresholds_of(const config::Signal& signal, const std::vector<config::RuleInUse>& rules) {
  json::array steps;
  const auto rule = std::ranges::find(rules, &signal, &config::RuleInUse::signal);
  const auto add = [&steps](json::value from, std::string_view colour) {
    steps.push_back(json::object{{"color", colour}, {"value", std::move(from)}});
  };
  const bool is_watched = rule != rules.end();
  if (!is_watched || !signal.is_worse_below) {
    add(nullptr, "green");
    for (const auto level : config::kAlertLevels) {
      if (is_watched && rule->thresholds[static_cast<std::size_t>(level)])
        add(*rule->thresholds[static_cast<std::size_t>(level)], colour_of(level));
    }
  } else {
    json::value from = nullptr;
    for (auto at = config::kAlertLevels.rbegin(); at != config::kAlertLevels.rend(); ++at) {
      const auto& threshold = rule->thresholds[static_cast<std::size_t>(*at)];
      if (!threshold) continue;
      add(std::exchange(from, *threshold), colour_of(*at));
    }
    add(std::move(from), "green");
  }
  return {{"mode", "absolute"}, {"steps", std::move(steps)}};
}

json::object target(const std::string& expression, const std::string& legend) {
  return {{"refId", "A"}, {"datasource", source()}, {"expr", expression}, {"legendFormat", legend}};
}

std::string legend_of(const config::Signal& signal) {
  std::string legend = "{{instance}}";
  for (const std::string_view label : signal.labels) legend += fmt::format(" {{{{{}}}}}", label);
  return legend;
}

struct Place {
  int number = 0;  ///< of the panel, from 0

  json::object grid() const {
    return {{"h", kHeight}, {"w", kWidth}, {"x", number % 2 * kWidth}, {"y", number / 2 * kHeight}};
  }
};

json::object options() {
  json::object legend{
      {"showLegend", true}, {"displayMode", "list"}, {"placement", "bottom"}, {"calcs", json::array()}};
  return {{"legend", std::move(legend)}, {"tooltip", json::object{{"mode", "multi"}, {"sort", "desc"}}}};
}

json::object panel(Place place, std::string_view title, std::string_view help, std::string_view unit,
                   json::object thresholds, json::object query) {
  json::object defaults{{"unit", unit}, {"min", 0}, {"thresholds", std::move(thresholds)}};
  defaults["color"] = json::object{{"mode", "palette-classic"}};
  defaults["custom"] = json::object{{"thresholdsStyle", json::object{{"mode", "line"}}}};
  return {{"id", place.number + 1},
          {"type", "timeseries"},
          {"title", title},
          {"description", help},
          {"datasource", source()},
          {"gridPos", place.grid()},
          {"fieldConfig", json::object{{"defaults", std::move(defaults)}, {"overrides", json::array()}}},
          {"options", options()},
          {"transparent", false},
          {"transformations", json::array()},
          {"targets", json::array{std::move(query)}}};
}

json::object plain_panel(Place place, std::string_view title, std::string_view help, std::string_view unit,
                         const std::string& expression, const std::string& legend) {
  json::object none{{"mode", "absolute"},
                    {"steps", json::array{json::object{{"color", "green"}, {"value", nullptr}}}}};
  return panel(place, title, help, unit, std::move(none), target(expression, legend));
}

json::object variable(std::string_view name, std::string_view label, std::string_view type,
                      std::string_view query) {
  return {{"name", name},   {"label", label}, {"type", type},
          {"query", query}, {"hide", 0},      {"skipUrlSync", false}};
}

json::array variables() {
  json::object instance =
      variable("instance", "Forebay", "query", "label_values(forebay_build_info, instance)");
  instance["datasource"] = source();
  instance["multi"] = true;
  instance["includeAll"] = true;
  instance["refresh"] = 2;  // when the range of time changes
  return {variable("source", "Source", "datasource", "prometheus"), std::move(instance)};
}

json::array panels(const config::Alerts& alerts) {
  const std::string window = fmt::format("[{}s]", alerts.window.count() / 1000);
  const std::string all = fmt::format("{{{}}}", kChosen);
  json::array told;
  Place place;
  told.push_back(plain_panel(place, "Active alerts", "Of each rule and level, as Forebay itself raises them.",
                             "short", "forebay_alerts" + all, "{{instance}} {{alert}} {{level}} {{state}}"));
  ++place.number;
  told.push_back(plain_panel(place, "Queries", "By database; answers from memory included.", "reqps",
                             "rate(forebay_queries_total" + all + window + ")", "{{instance}} {{database}}"));
  const auto rules = config::rules_in_use(alerts);
  for (const config::Signal& signal : config::signals()) {
    ++place.number;
    told.push_back(
        panel(place, signal.title, signal.help, unit_of(signal.unit), thresholds_of(signal, rules),
              target(expression_of(signal, alerts.window, {}, std::string(kChosen)), legend_of(signal))));
  }
  return told;
}

}  // namespace

std::string grafana_dashboard(const config::Alerts& alerts) {
  const json::object dashboard{{"uid", "forebay"},
                               {"title", "Forebay"},
                               {"description", "Made by: forebay generate grafana"},
                               {"tags", json::array{"forebay", "postgresql"}},
                               {"timezone", "browser"},
                               {"editable", true},
                               {"graphTooltip", 1},
                               {"schemaVersion", kSchemaVersion},
                               {"version", 1},
                               {"refresh", "30s"},
                               {"time", json::object{{"from", "now-1h"}, {"to", "now"}}},
                               {"templating", json::object{{"list", variables()}}},
                               {"annotations", json::object{{"list", json::array()}}},
                               {"panels", panels(alerts)}};
  return json::serialize(dashboard) + "\n";
}

}  // namespace forebay::alert
