#pragma once

#include "monitor/growth.hpp"
#include "monitor/history.hpp"
#include "monitor/sampler.hpp"

namespace forebay::monitor {

/// All that is remembered for those who look. The sampler is thread safe, the rest belongs to the thread of
/// HTTP.
struct Watched {
  explicit Watched(pgfront::Front& front) : sampler(front) {}

  History history;
  Growth growth;  ///< of databases, `server/database`, and of tables, `server/database/schema.table`
  Sampler sampler;
};

}  // namespace forebay::monitor
