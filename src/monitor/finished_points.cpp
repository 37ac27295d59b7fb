#include "monitor/finished_points.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace forebay::monitor {

namespace {

/// A second is too fine for a database.
constexpr std::size_t kFinest = 1;

double to_milliseconds(double seconds) {
  return std::round(seconds * 1000) / 1000;
}

}  // namespace

std::vector<HistoryRow> FinishedPoints::take(const History& history, TimePoint now, double wall) {
  std::vector<HistoryRow> rows;
  for (std::size_t at = kFinest; at < kResolutions.size(); ++at) {
    const std::uint32_t width = kResolutions[at].seconds;
    const std::int64_t present = stretch_of(now, width);
    const std::int64_t first = std::max(next_[at].value_or(present), present - kResolutions[at].points + 1);
    next_[at] = present;
    const auto count = static_cast<std::size_t>(present - first);
    if (count == 0) continue;
    const double began = wall - seconds_between(TimePoint(std::chrono::seconds(present * width)), now);
    for (const std::string& name : history.names()) {
      const auto points = history.find(name)->points(at, now, count + 1);  // the last is not complete
      for (std::size_t index = 0; index < count; ++index) {
        if (std::isnan(points[index].mean)) continue;
        const double time = began - static_cast<double>((count - index) * width);
        rows.push_back({name, width, to_milliseconds(time), points[index]});
      }
    }
  }
  return rows;
}

}  // namespace forebay::monitor
