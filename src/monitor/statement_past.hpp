#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace forebay::monitor {

/// What one statement has come to in the last hour, in stretches of half a minute. Its memory never grows.
class StatementPast {
 public:
  static constexpr std::int64_t kSeconds = 30;
  static constexpr std::size_t kPoints = 120;

  struct Point {
    double calls = 0;   ///< by servers; a look that goes over an end has a share on either side
    double micros = 0;  ///< that they took
  };

  /// What has come since the last look. Also of nothing, each time that somebody looks. Times must not go
  /// back.
  void add(TimePoint since, TimePoint now, std::uint64_t calls, std::uint64_t micros);
  /// The last one is that of `now`, which is not complete; nothing where nobody looked.
  std::vector<std::optional<Point>> points(TimePoint now) const;
  /// When the stretch of `now` began.
  static TimePoint began(TimePoint now) { return TimePoint(std::chrono::seconds(number_of(now) * kSeconds)); }

 private:
  static std::int64_t number_of(TimePoint now) {
    return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() / kSeconds;
  }

  void add_to(std::int64_t number, double calls, double micros);

  std::array<std::optional<Point>, kPoints> points_{};
  std::int64_t newest_ = 0;  ///< number of the stretch that was added to last
};

}  // namespace forebay::monitor
