#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "base/clock.hpp"

namespace forebay::alert {

/// How fast something grows: the slope of a straight line through its values by least squares, as deriv() of
/// Prometheus has it. One value a minute is kept, of the last six hours. Not thread safe.
class Growth {
 public:
  /// At any time, in order; what comes within a minute of the last that was kept is not.
  void add(TimePoint at, double value);
  /// By the hour. Nothing before an hour's values are there.
  std::optional<double> per_hour() const;

 private:
  struct Point {
    TimePoint at;
    double value;
  };
  std::deque<Point> points_;
};

}  // namespace forebay::alert
