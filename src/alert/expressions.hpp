#pragma once

#include <string>

#include "config/alert_rules.hpp"

namespace forebay::alert {

/// The value of a signal in PromQL (https://prometheus.io/docs/prometheus/latest/querying/basics/), from what
/// /metrics has: of the things that `matches` name, with rates over `window`. `more_matchers`: further ones,
/// as they are written between braces; "" for none.
std::string expression_of(const config::Signal& signal, config::Duration window,
                          const std::vector<std::pair<std::string, std::string>>& matches,
                          const std::string& more_matchers = {});

/// The same compared with a threshold, as a rule has it.
std::string condition_of(const config::RuleInUse& rule, double threshold, config::Duration window);

}  // namespace forebay::alert
