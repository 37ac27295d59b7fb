#pragma once

#include <string>

#include "config/settings.hpp"

/// What others watch Forebay by, made from the signals and rules that it watches itself by.
namespace forebay::alert {

/// Alerting rules for Prometheus 2.42 and later, as YAML:
/// https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules. One for each threshold.
std::string prometheus_rules(const config::Alerts& alerts);

/// A dashboard for Grafana 9 and later, as JSON: a panel for each signal, with the thresholds of the first
/// rule that watches it. The fields are those of
/// https://github.com/grafana/grafana/tree/v9.3.0/kinds/dashboard.
std::string grafana_dashboard(const config::Alerts& alerts);

}  // namespace forebay::alert
