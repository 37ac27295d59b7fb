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
    std::uint32_t calls = 0;   ///< by servers
    std::uint64_t micros = 0;  ///< that they took
  };

  /// Also of nothing, each time that somebody looks. Times must not go back.
  void add(TimePoint now, std::uint64_t calls, std::uint64_t micros);
  /// The last one is that of `now`, which is not complete; nothing where nobody looked.
  std::vector<std::optional<Point>> points(TimePoint now) const;

 private:
  static std::int64_t number_of(TimePoint now) {
    return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count() / kSeconds;
  }

  std::array<std::optional<Point>, kPoints> points_{};
  std::int64_t newest_ = 0;  ///< number of the stretch that was added to last
};

}  // namespace forebay::monitor
