#include "alert/uptime.hpp"

#include <chrono>

#include "config/signal.hpp"

namespace forebay::alert {

namespace {

constexpr std::chrono::hours kLongest{config::kReadyHours};
constexpr std::chrono::minutes kShortest{config::kLeastReadyMinutes};

}  // namespace

void Uptime::add(TimePoint at, bool is_well) {
  if (minutes_.empty() || at - minutes_.back().begun >= std::chrono::minutes(1)) minutes_.push_back({at});
  latest_ = at;
  const std::uint32_t well = is_well ? 1 : 0;
  ++minutes_.back().looks;
  minutes_.back().well += well;
  ++looks_;
  well_ += well;
  while (at - minutes_.front().begun > kLongest) {
    looks_ -= minutes_.front().looks;
    well_ -= minutes_.front().well;
    minutes_.pop_front();
  }
}

std::optional<double> Uptime::share() const {
  if (minutes_.empty() || latest_ - minutes_.front().begun < kShortest) return std::nullopt;
  return static_cast<double>(well_) / static_cast<double>(looks_);
}

}  // namespace forebay::alert
