#include "observe/rate_limit.hpp"

#include <algorithm>
#include <utility>

namespace forebay::observe {

std::optional<std::uint64_t> RateLimit::admit(TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (last_ != TimePoint{}) {
    const double earned = std::chrono::duration<double>(now - last_) / std::chrono::duration<double>(kPause);
    credit_ = std::min<double>(kBurst, credit_ + std::max(earned, 0.0));
  }
  last_ = std::max(last_, now);
  if (credit_ < 1) {
    ++dropped_;
    return std::nullopt;
  }
  credit_ -= 1;
  return std::exchange(dropped_, 0);
}

}  // namespace forebay::observe
