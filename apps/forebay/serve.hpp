#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "config/settings.hpp"

namespace forebay {

/// What `forebay serve` was asked to do, already read and checked.
struct ServeOptions {
  /// The configuration to start with. Never null.
  config::SettingsPtr settings;

  /// Reads the file again and lays the same flags over it; an error names every mistake, one a line. Called
  /// at SIGHUP and RELOAD, from one thread at a time; it blocks on the file system. Without a file it returns
  /// what the flags say, again. config::restart_needed tells which changes cannot take effect while running.
  std::function<Result<config::SettingsPtr>()> reload;

  /// The file that --config named, as given; empty when there is none.
  std::string config_file;

  /// Take over from the process that runs with the same configuration, if there is one.
  bool takeover = false;
};

/// Runs the daemon until it is told to stop. Returns the exit code of the process.
int serve(const ServeOptions& options);

}  // namespace forebay
