#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings.hpp"
#include "config/signal.hpp"

/// The rules of alerts that a configuration comes to: those of the sets that it names, and its own laid over
/// them.
namespace forebay::config {

/// A rule, ready to be applied. Thresholds are in the signal's unit.
struct RuleInUse {
  std::string name;
  const Signal* signal = nullptr;                        ///< never null
  std::array<std::optional<double>, 3> thresholds = {};  ///< by AlertLevel; at least one
  Duration hold{0};           ///< so long without a pause beyond a threshold, and there is an alert
  Duration resolve_after{0};  ///< so long not beyond it, and there is none any more
  std::vector<std::pair<std::string, std::string>> matches =
      {};                        ///< label and pattern with *; all have to fit
  std::string description = {};  ///< what it means; the signal's help unless the rule says otherwise
};

/// Whether a value is beyond a threshold.
bool is_beyond(const Signal& signal, double value, double threshold);
/// Whether `text` is what `pattern` says, where * stands for any characters.
bool fits(std::string_view pattern, std::string_view text);

/// The sets that the program comes with, by name.
using RuleSets = std::map<std::string, std::map<std::string, AlertRule>>;
const RuleSets& rule_sets();
std::vector<std::string> rule_set_names();

/// Under these names: what is written, with what the sets say of the rest.
std::map<std::string, AlertRule> merged_rules(const Alerts& alerts);
/// Those that are on, by name; the settings have been checked.
std::vector<RuleInUse> rules_in_use(const Alerts& alerts);
/// What is wrong with a merged rule: the key ("" for the rule as a whole) and why.
std::vector<std::pair<std::string, std::string>> mistakes_of(const AlertRule& rule);

}  // namespace forebay::config
