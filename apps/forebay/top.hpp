#pragma once

#include <iosfwd>
#include <string>

namespace forebay {

struct TopOptions {
  std::string console = "postgres://";  ///< as for ConsoleClient
  double interval = 2;                  ///< seconds
  bool once = false;                    ///< print one interval and end
};

/// `forebay top`: what a running Forebay does, again and again until `q` or Ctrl-C; on no terminal, once.
/// Returns the exit code.
int top(const TopOptions& options, std::ostream& out, std::ostream& err);

}  // namespace forebay
