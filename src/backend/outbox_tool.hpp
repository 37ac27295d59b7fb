#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "config/settings.hpp"

namespace forebay::backend {

/// What `forebay outbox` is to do in the upstream's database.
struct OutboxOrder {
  enum class Action { install, remove, status };

  Action action = Action::status;
  config::Upstream upstream;
  std::vector<std::string> relations;  ///< with or without their schemas; empty: all
  bool dry_run = false;                ///< the SQL is printed, and nothing is done
};

/// Does it, each table in a transaction of its own, so that nothing is locked for long, and says on `out`
/// what was done. What could not be is told on `err`; to be done again when the reason is gone. Returns the
/// exit code: 0, or 1 when something could not be done. Blocks.
int run_outbox(const OutboxOrder& order, std::ostream& out, std::ostream& err);

}  // namespace forebay::backend
