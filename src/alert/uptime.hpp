#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/clock.hpp"

namespace forebay::alert {

/// The share of looks that found something well, of the last day, as avg_over_time() of Prometheus has it.
/// One count for each minute is kept. Not thread safe.
class Uptime {
 public:
  /// At any time, in order.
  void add(TimePoint at, bool is_well);
  /// Nothing before an hour of looks is there: the first of them, before anything is known, weigh little
  /// then.
  std::optional<double> share() const;

 private:
  struct Minute {
    TimePoint begun;
    std::uint32_t looks = 0;
    std::uint32_t well = 0;
  };
  std::deque<Minute> minutes_;
  TimePoint latest_{};
  std::uint64_t looks_ = 0;  ///< of all minutes
  std::uint64_t well_ = 0;   ///< likewise
};

}  // namespace forebay::alert
