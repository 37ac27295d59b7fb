#pragma once

#include <functional>
#include <iosfwd>
#include <vector>

#include "config/checks.hpp"
#include "outbox.hpp"
#include "serve.hpp"
#include "top.hpp"

namespace forebay {

/// What the subcommands call that need more than a configuration; the caller passes it so that tests need
/// neither a daemon nor a server.
struct Workers {
  std::function<int(const ServeOptions&)> serve;
  std::function<int(const OutboxOptions&, std::ostream& out, std::ostream& err)> outbox;
  std::function<int(const std::string& url, std::ostream& out, std::ostream& err)> topology;
  std::function<int(const TopOptions&, std::ostream& out, std::ostream& err)> top;
  /// What the rooms below config know to be wrong with settings; none: nothing.
  std::function<std::vector<config::KeyMistake>(const config::Settings&)> further_checks = nullptr;
};

/// Runs one command line and returns the exit code: 0 done, 1 a mistake in what was given, or something could
/// not be done, 2 a wrong command line.
int run_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
                     const Workers& workers);

}  // namespace forebay
