#pragma once

#include <chrono>

namespace forebay {

/// Monotonic time: the only time that decides anything. Wall clock time appears in logs alone.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::milliseconds;

inline double seconds_between(TimePoint from, TimePoint to) {
  return std::chrono::duration<double>(to - from).count();
}

inline std::uint64_t micros_between(TimePoint from, TimePoint to) {
  const auto span = std::chrono::duration_cast<std::chrono::microseconds>(to - from).count();
  return span > 0 ? static_cast<std::uint64_t>(span) : 0;
}

/// A time budget: the instant by which something must be done, or never.
class Deadline {
 public:
  Deadline() = default;
  static Deadline in(TimePoint now, Duration budget) {
    Deadline deadline;
    if (budget.count() > 0) deadline.at_ = now + budget;
    return deadline;
  }

  bool has_passed(TimePoint now) const { return now >= at_; }

 private:
  TimePoint at_ = TimePoint::max();
};

}  // namespace forebay
