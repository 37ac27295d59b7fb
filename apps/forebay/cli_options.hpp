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
/// help; a HelpWithoutFlags does not show those of kFlagsOfServe.
void add_setting_flags(CLI::App& command, SettingFlags& flags, const std::string& group);

inline constexpr const char* kFlagsOfServe = "Flags of serve";

/// Help for a subcommand that takes the flags of serve as well.
class HelpWithoutFlags : public CLI::Formatter {
 public:
  std::string make_group(std::string group, bool is_positional,
                         std::vector<const CLI::Option*> options) const override {
    return group == kFlagsOfServe ? "" : CLI::Formatter::make_group(group, is_positional, options);
  }
};

/// What was asked for, ready to be loaded. Throws CLI::ValidationError for a --set without "=".
config::LoadRequest load_request(const SettingFlags& flags);

}  // namespace forebay
