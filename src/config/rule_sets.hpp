#pragma once

#include <span>
#include <string_view>

namespace forebay::config {

/// A file of rules as it lies in the repository: config/rules/NAME.yaml or profiles/NAME/alerts.yaml.
struct RuleSetFile {
  std::string_view name;
  std::string_view text;
};

/// Made by the build (cmake/rule_sets.cmake).
std::span<const RuleSetFile> rule_set_files();

}  // namespace forebay::config
