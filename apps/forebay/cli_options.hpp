#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "config/loader.hpp"

namespace forebay {

/// The flags that say what to run: --config, --set and those of the option table. Filled while CLI11 parses,
/// so it has to outlive the parsing.
struct SettingFlags {
  std::string config_file;
  std::vector<std::string> sets;  ///< KEY=VALUE
  std::vector<config::Override>
      overrides;  ///< of the flags with a name of their own, in the order of the table
};

/// Adds the flags to a subcommand, with help derived from the option table. `group` is their heading in the
/// help; with an empty one they are taken and not shown, but for --config.
void add_setting_flags(CLI::App& command, SettingFlags& flags, const std::string& group);

/// What was asked for, ready to be loaded. Throws CLI::ValidationError for a --set without "=".
config::LoadRequest load_request(const SettingFlags& flags);

}  // namespace forebay
