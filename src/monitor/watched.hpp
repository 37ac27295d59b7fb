#pragma once

#include <utility>

#include "monitor/growth.hpp"
#include "monitor/history.hpp"
#include "monitor/planner.hpp"
#include "monitor/sampler.hpp"

namespace forebay::monitor {

/// All that is remembered for those who look. The sampler is thread safe, the rest belongs to the thread of
/// HTTP.
struct Watched {
  /// `here` leads to the thread of HTTP.
  Watched(pgfront::Front& front, pgfront::Post here) : sampler(front), planner(front, std::move(here)) {}

  History history;
  Growth growth;  ///< of databases, `server/database`, and of tables, `server/database/schema.table`
  Sampler sampler;
  Planner planner;
};

}  // namespace forebay::monitor
