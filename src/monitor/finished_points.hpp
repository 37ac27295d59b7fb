#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "monitor/history.hpp"

namespace forebay::monitor {

/// A point that nothing will be added to any more, as it is written into the database.
struct HistoryRow {
  std::string series;
  std::uint32_t seconds;  ///< that it is of
  double time;            ///< when it began, in seconds since 1970, to the millisecond
  Point point;
};

/// Takes each point of the coarser resolutions out of the history once, when it is complete. Not thread safe.
class FinishedPoints {
 public:
  /// Those that have become complete since the last call; `wall`: what `now` is in seconds since 1970.
  /// Nothing of a time of which nothing is known.
  std::vector<HistoryRow> take(const History& history, TimePoint now, double wall);

 private:
  /// By resolution: the number of the first stretch that has not been taken.
  std::array<std::optional<std::int64_t>, kResolutions.size()> next_ = {};
};

}  // namespace forebay::monitor
