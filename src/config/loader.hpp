#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/checks.hpp"
#include "config/environment.hpp"
#include "config/problem.hpp"
#include "config/settings.hpp"

/// Flow: fill a LoadRequest, call load() at start and again at each reload, which keeps what
/// until_restart() keeps.
namespace forebay::config {

/// One setting from the command line. It wins over the file.
struct Override {
  std::string flag;                 ///< as the user wrote it, for messages: --pool-size
  std::string key;                  ///< the option's key: pool.size
  std::vector<std::string> values;  ///< several for lists only
};

/// Where settings come from.
struct LoadRequest {
  std::string file;  ///< a YAML file; empty: flags only. Relative names in it start from its directory
  std::optional<std::string> text;  ///< read instead of the file, which then only names the text in messages
  std::vector<Override> overrides;
  Environment environment = process_environment();
  /// What is known to be wrong with them by who comes below config; may be empty.
  std::function<std::vector<KeyMistake>(const Settings&)> further_checks = nullptr;
};

/// What was read, and everything that is wrong with it.
struct Loaded {
  SettingsPtr settings;  ///< null when there is any problem
  std::vector<Problem> problems;
  Places places;
  Location whole;  ///< of what was not written
};

/// Reads, merges and checks. Blocks on the file system; thread safe.
Loaded load_all(const LoadRequest& request);

/// The same with all problems in one error, one a line.
Result<SettingsPtr> load(const LoadRequest& request);

}  // namespace forebay::config
