#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.hpp"

namespace forebay::observe {

/// Lets `kBurst` events through, and then one every `kPause`, so that a storm of them cannot fill a disk: at
/// most some 90 000 lines a day for each kind of event. Thread safe.
class RateLimit {
 public:
  static constexpr std::uint32_t kBurst = 20;
  static constexpr Duration kPause{1'000};

  /// Nothing when the event is to be dropped; else how many were dropped since the last that was let through.
  std::optional<std::uint64_t> admit(TimePoint now);

 private:
  std::mutex mutex_;
  double credit_ = kBurst;     ///< guarded by mutex_
  TimePoint last_{};           ///< guarded by mutex_
  std::uint64_t dropped_ = 0;  ///< guarded by mutex_
};

}  // namespace forebay::observe
