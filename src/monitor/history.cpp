#include "monitor/history.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string_view>
#include <utility>

namespace forebay::monitor {

namespace {

constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
constexpr Point kNothing = {kNone, kNone, kNone};
constexpr std::chrono::hours kSilence{1};

using Named = std::pair<const std::string, Series>;

/// Of a server or a database, and not of Forebay itself.
bool is_of_others(std::string_view name) {
  return name.find('/') != name.npos;
}

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
  for (std::size_t at = 0; at < rings_.size(); ++at) {
    Ring& ring = rings_[at];
    begin(ring, stretch_of(now, kResolutions[at].seconds));
    weigh(ring, value, weight);
  }
}

void Series::add_rate(TimePoint since, TimePoint now, double value) {
  constexpr double kLeast = 1e-3;  // a look at the very beginning of a stretch is of the one before
  last_ = now;
  for (std::size_t at = 0; at < rings_.size(); ++at) {
    Ring& ring = rings_[at];
    begin(ring, stretch_of(now, kResolutions[at].seconds));
    const TimePoint began{std::chrono::seconds(ring.newest * kResolutions[at].seconds)};
    weigh(ring, value, std::max(kLeast, seconds_between(std::max(since, began), now)));
  }
}

void Series::set(TimePoint now, const std::array<double, kResolutions.size()>& of_stretches) {
  last_ = now;
  for (std::size_t at = 0; at < rings_.size(); ++at) {
    begin(rings_[at], stretch_of(now, kResolutions[at].seconds));
    put(rings_[at], of_stretches.front(), of_stretches[at]);
  }
}

/// The newest is of this stretch afterwards. What was skipped is not known, and must not show what was there
/// a round before.
void Series::begin(Ring& ring, std::int64_t stretch) {
  if (stretch <= ring.newest) return;
  const auto size = static_cast<std::int64_t>(ring.points.size());
  for (std::int64_t skipped = std::max(ring.newest + 1, stretch - size + 1); skipped <= stretch; ++skipped)
    ring.points[slot_of(skipped, ring.points.size())] = kNothing;
  ring = {.points = std::move(ring.points), .newest = stretch};
}

void Series::weigh(Ring& ring, double value, double weight) {
  ring.sum += value * weight;
  ring.weight += weight;
  put(ring, value, ring.sum / ring.weight);
}

void Series::put(Ring& ring, double value, double mean) {
  ring.least = std::min(ring.least, value);
  ring.most = std::max(ring.most, value);
  ring.points[slot_of(ring.newest, ring.points.size())] = {
      static_cast<float>(mean), static_cast<float>(ring.least), static_cast<float>(ring.most)};
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
  if (Series* series = find_or_make(name, now)) series->add(now, value, weight);
}

void History::add_rate(const std::string& name, TimePoint since, TimePoint now, double value) {
  if (Series* series = find_or_make(name, now)) series->add_rate(since, now, value);
}

void History::set(const std::string& name, TimePoint now,
                  const std::array<double, kResolutions.size()>& of_stretches) {
  if (Series* series = find_or_make(name, now)) series->set(now, of_stretches);
}

/// Null: there is no room for another.
Series* History::find_or_make(const std::string& name, TimePoint now) {
  const auto at = series_.find(name);
  if (at != series_.end()) return &at->second;
  const auto of_others =
      static_cast<std::size_t>(std::ranges::count_if(series_, is_of_others, &Named::first));
  if (is_of_others(name) && of_others >= kMostSeries && !make_room(now)) return nullptr;
  return &series_.try_emplace(name).first->second;
}

/// There is one of others.
bool History::make_room(TimePoint now) {
  const auto silent = std::ranges::min_element(series_, {}, [](const Named& named) {
    return is_of_others(named.first) ? named.second.last() : TimePoint::max();
  });
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
