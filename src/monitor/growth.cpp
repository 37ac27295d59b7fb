#include "monitor/growth.hpp"

#include "config/signal.hpp"

namespace forebay::monitor {

namespace {

using std::chrono::hours;

constexpr std::chrono::seconds kShortest{config::kLeastGrowthSeconds};
constexpr hours kLongest{24};

}  // namespace

void Growth::note(const std::string& name, TimePoint now, std::int64_t bytes) {
  auto at = sizes_.find(name);
  if (at == sizes_.end()) {
    if (sizes_.size() >= kMostNames)
      std::erase_if(sizes_, [&](const auto& named) { return now - named.second.latest.at > hours(1); });
    if (sizes_.size() >= kMostNames) return;
    at = sizes_.try_emplace(name).first;
  }
  Sizes& sizes = at->second;
  sizes.latest = {now, bytes};
  if (sizes.hourly.empty() || now - sizes.hourly.back().at >= hours(1)) sizes.hourly.push_back(sizes.latest);
  while (now - sizes.hourly.front().at > kLongest) sizes.hourly.pop_front();
}

std::optional<Growth::Rate> Growth::of(const std::string& name) const {
  const auto at = sizes_.find(name);
  if (at == sizes_.end()) return std::nullopt;
  const Size& first = at->second.hourly.front();
  const Size& latest = at->second.latest;
  if (latest.at - first.at < kShortest) return std::nullopt;
  const double seconds = seconds_between(first.at, latest.at);
  const double days = seconds / seconds_between({}, TimePoint(kLongest));
  return Rate{static_cast<double>(latest.bytes - first.bytes) / days, seconds};
}

}  // namespace forebay::monitor
