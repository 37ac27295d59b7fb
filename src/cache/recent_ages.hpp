#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>

#include "base/clock.hpp"

namespace forebay::cache {

/// How old the proof behind an answer from memory was at most, between each two leases of late. Thread safe.
class RecentAges {
 public:
  /// At one lease every 50 ms, of the last minute.
  static constexpr std::size_t kMost = 1200;

  struct Summary {
    Duration p50{0};
    Duration p99{0};
    Duration max{0};
  };

  void note(Duration age);
  void clear();
  /// Nothing when there is none.
  std::optional<Summary> summary() const;

 private:
  mutable std::mutex mutex_;
  std::array<Duration, kMost> ages_{};  ///< guarded by mutex_
  std::size_t noted_ = 0;               ///< guarded by mutex_; the last kMost of them are kept
};

}  // namespace forebay::cache
