#include "monitor/history.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace forebay::monitor {

namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
constexpr Point kNothing = {kNone, kNone, kNone};
constexpr std::chrono::hours kSilence{1};

std::size_t slot_of(std::int64_t stretch, std::size_t points) {
  return static_cast<std::size_t>(stretch) % points;
}

}  // namespace

std::int64_t stretch_of(TimePoint now, std::uint32_t seconds) {
  return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() / seconds;
}

Series::Series() {
  for (std::size_t at = 0; at < rings_.size(); ++at)
    rings_[at].points.assign(kResolutions[at].points, kNothing);
}

void Series::add(TimePoint now, double value, double weight) {
  last_ = now;
  for (std::size_t at = 0; at < rings_.size(); ++at)
    add(rings_[at], kResolutions[at].seconds, now, value, weight);
}

void Series::add(Ring& ring, std::uint32_t seconds, TimePoint now, double value, double weight) {
  const std::int64_t stretch = stretch_of(now, seconds);
  const auto size = static_cast<std::int64_t>(ring.points.size());
  if (stretch > ring.newest) {
    // What was skipped is not known, and must not show what was there a round before.
    for (std::int64_t skipped = std::max(ring.newest + 1, stretch - size + 1); skipped <= stretch; ++skipped)
      ring.points[slot_of(skipped, ring.points.size())] = kNothing;
    ring = {.points = std::move(ring.points), .newest = stretch, .least = value, .most = value};
  }
  ring.sum += value * weight;
  ring.weight += weight;
  ring.least = std::min(ring.least, value);
  ring.most = std::max(ring.most, value);
  ring.points[slot_of(ring.newest, ring.points.size())] = {static_cast<float>(ring.sum / ring.weight),
                                                           static_cast<float>(ring.least),
                                                           static_cast<float>(ring.most)};
}

std::vector<Point> Series::points(std::size_t resolution, TimePoint now, std::size_t count) const {
  const Ring& ring = rings_[resolution];
  const std::int64_t end = stretch_of(now, kResolutions[resolution].seconds);
  const auto size = static_cast<std::int64_t>(ring.points.size());
  std::vector<Point> told;
  told.reserve(count);
  for (std::int64_t stretch = end - static_cast<std::int64_t>(count) + 1; stretch <= end; ++stretch) {
    const bool is_kept = stretch <= ring.newest && stretch > ring.newest - size && stretch >= 0;
    told.push_back(is_kept ? ring.points[slot_of(stretch, ring.points.size())] : kNothing);
  }
  return told;
}

void History::add(const std::string& name, TimePoint now, double value, double weight) {
  auto at = series_.find(name);
  if (at == series_.end()) {
    if (series_.size() == kMostSeries && !make_room(now)) return;
    at = series_.try_emplace(name).first;
  }
  at->second.add(now, value, weight);
}

bool History::make_room(TimePoint now) {
  const auto silent =
      std::ranges::min_element(series_, {}, [](const auto& named) { return named.second.last(); });
  if (now - silent->second.last() < kSilence) return false;
  series_.erase(silent);
  return true;
}

const Series* History::find(const std::string& name) const {
  const auto at = series_.find(name);
  return at == series_.end() ? nullptr : &at->second;
}

std::vector<std::string> History::names() const {
  std::vector<std::string> names;
  for (const auto& [name, series] : series_) names.push_back(name);
  return names;
}

std::size_t History::resolution_for(std::uint64_t seconds) {
  for (std::size_t at = 0; at + 1 < kResolutions.size(); ++at) {
    if (kResolutions[at].span() >= seconds) return at;
  }
  return kResolutions.size() - 1;
}

}  // namespace forebay::monitor
