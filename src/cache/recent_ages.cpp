#include "cache/recent_ages.hpp"

#include <algorithm>
#include <vector>

namespace forebay::cache {

void RecentAges::note(Duration age) {
  const std::lock_guard lock(mutex_);
  ages_[noted_++ % kMost] = age;
}

void RecentAges::clear() {
  const std::lock_guard lock(mutex_);
  noted_ = 0;
}

std::optional<RecentAges::Summary> RecentAges::summary() const {
  std::vector<Duration> ages;
  {
    const std::lock_guard lock(mutex_);
    ages.assign(ages_.begin(), ages_.begin() + static_cast<std::ptrdiff_t>(std::min(noted_, kMost)));
  }
  if (ages.empty()) return std::nullopt;
  std::ranges::sort(ages);
  const auto at = [&ages](std::size_t percent) { return ages[(ages.size() - 1) * percent / 100]; };
  return Summary{at(50), at(99), ages.back()};
}

}  // namespace forebay::cache
