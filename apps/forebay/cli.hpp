#pragma once

#include <functional>
#include <iosfwd>

#include "serve.hpp"

namespace forebay {

/// Runs one command line and returns the exit code: 0 done, 1 a mistake in what was given, 2 a wrong command
/// line. `serve_daemon` is what `forebay serve` calls; the caller passes it so that tests need no daemon.
int run_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
                     const std::function<int(const ServeOptions&)>& serve_daemon);

}  // namespace forebay
