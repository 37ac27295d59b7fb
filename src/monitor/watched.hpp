#pragma once

#include <string>
#include <utility>

#include "monitor/growth.hpp"
#include "monitor/history.hpp"
#include "monitor/history_writer.hpp"
#include "monitor/planner.hpp"
#include "monitor/sampler.hpp"

namespace forebay::monitor {

/// All that is remembered for those who look. The sampler and the writer are thread safe, the rest belongs to
/// the thread of HTTP.
struct Watched {
  /// `here` leads to the thread of HTTP. `instance`: how this process is known from others.
  Watched(pgfront::Front& front, pgfront::Post here, std::string instance)
      : sampler(front), planner(front, std::move(here)), writer(front, std::move(instance)) {}

  History history;
  Growth growth;  ///< of databases, `server/database`, and of tables, `server/database/schema.table`
  Sampler sampler;
  Planner planner;
  HistoryWriter writer;
};

}  // namespace forebay::monitor
