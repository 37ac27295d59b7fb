#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace forebay {

/// `forebay outbox`, as it was given.
struct OutboxOptions {
  std::string action;    ///< install, remove or status
  std::string upstream;  ///< a URL with a database
  std::vector<std::string> relations;
  bool dry_run = false;
};

/// Does it; see backend/outbox_tool.hpp. Returns the exit code: 0 done, 1 something could not be done.
int outbox(const OutboxOptions& options, std::ostream& out, std::ostream& err);

}  // namespace forebay
