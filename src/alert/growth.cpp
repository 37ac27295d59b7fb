#include "alert/growth.hpp"

#include <chrono>

#include "config/signal.hpp"

namespace forebay::alert {

namespace {

using std::chrono::minutes;

constexpr minutes kLongest{config::kGrowthMinutes};
constexpr minutes kShortest{config::kLeastGrowthMinutes};
constexpr double kHour = 3600;

}  // namespace

void Growth::add(TimePoint at, double value) {
  if (!points_.empty() && at - points_.back().at < minutes(1)) return;
  points_.push_back({at, value});
  while (at - points_.front().at > kLongest) points_.pop_front();
}

std::optional<double> Growth::per_hour() const {
  if (points_.empty() || points_.back().at - points_.front().at < kShortest) return std::nullopt;
  // From the first point on, so that nothing is lost to large numbers.
  const auto count = static_cast<double>(points_.size());
  double sum_x = 0;
  double sum_y = 0;
  for (const Point& point : points_) {
    sum_x += seconds_between(points_.front().at, point.at);
    sum_y += point.value - points_.front().value;
  }
  double above = 0;
  double below = 0;
  for (const Point& point : points_) {
    const double x = seconds_between(points_.front().at, point.at) - sum_x / count;
    const double y = point.value - points_.front().value - sum_y / count;
    above += x * y;
    below += x * x;
  }
  return above / below * kHour;
}

}  // namespace forebay::alert
