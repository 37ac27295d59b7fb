#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace forebay {

/// Time that never goes back: the only time that decides anything. Wall clock time appears in logs alone.
///
/// It goes on while the machine is suspended, as std::chrono::steady_clock does not: an answer in memory has
/// grown old meanwhile. Read without a system call, like that one (Linux 5.3 and later). Thread safe.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;  // NOLINT(readability-identifier-naming): the standard's name

  static time_point now() noexcept {
    std::timespec since_boot{};
    clock_gettime(CLOCK_BOOTTIME, &since_boot);
    return time_point(std::chrono::seconds(since_boot.tv_sec) + std::chrono::nanoseconds(since_boot.tv_nsec));
  }
};

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
