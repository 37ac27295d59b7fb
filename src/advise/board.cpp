#include "advise/board.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace forebay::advise {

namespace {

/// What can be compared.
double seconds_of(const Gain& gain) {
  const bool is_time =
      gain.unit == Unit::client_seconds_per_hour || gain.unit == Unit::server_seconds_per_hour;
  return is_time ? gain.value : 0;
}

bool comes_first(const Recommendation& one, const Recommendation& other) {
  return std::tuple(one.urgency, -seconds_of(one.gain), std::string_view(one.id)) <
         std::tuple(other.urgency, -seconds_of(other.gain), std::string_view(other.id));
}

}  // namespace

void Board::Sum::add(const Stretch& stretch) {
  seconds += stretch.seconds;
  amount += stretch.measure.amount;
  weight += stretch.measure.weight;
  traffic += stretch.measure.traffic.value_or(0);
}

Board::Sum Board::sum_of(const std::deque<Stretch>& stretches) {
  Sum sum;
  for (const Stretch& stretch : stretches) sum.add(stretch);
  return sum;
}

bool Board::is_comparable(const Sum& before, const Stretch& stretch) {
  if (stretch.measure.weight <= 0 || before.weight <= 0) return false;
  if (!stretch.measure.traffic) return true;
  return *stretch.measure.traffic * before.seconds >= kComparable * before.traffic * stretch.seconds;
}

void Board::take(MomentPtr moment) {
  const TimePoint now = moment->at;
  moments_.push_back(std::move(moment));
  while (moments_.size() > 2 && now - moments_[1]->at >= kWindow) moments_.pop_front();
  const std::vector<MomentPtr> window(moments_.begin(), moments_.end());
  const Evidence all(window);
  const Evidence step(all.moments().last(std::min<std::size_t>(window.size(), 2)));
  auto found = find(all);
  for (auto item = items_.begin(); item != items_.end();) {
    const auto at = found.find(item->first);
    const bool has_ended = advance(item->second, at == found.end() ? nullptr : &at->second, step);
    item = has_ended ? items_.erase(item) : std::next(item);
  }
  admit(found, step);
}

std::map<std::string, Recommendation, std::less<>> Board::find(const Evidence& evidence) {
  std::map<std::string, Recommendation, std::less<>> found;
  const TimePoint now = evidence.now().at;
  for (const Kind* kind : kinds_) {
    for (Recommendation& each : kind->find(evidence)) {
      each.kind = kind->name;
      if (kind->settles > Duration(0) && !settles(*kind, each, now)) continue;
      found.try_emplace(each.id, std::move(each));
    }
    if (kind->settles > Duration(0)) keep_unseen(*kind, evidence);
  }
  return found;
}

bool Board::settles(const Kind& kind, const Recommendation& found, TimePoint now) {
  Settling& own = settling_.try_emplace(found.id, Settling{.what = found, .looked_at = now}).first->second;
  own.found += now - std::exchange(own.looked_at, now);
  return own.found >= kind.settles;
}

/// Of what has not been found: that of which nothing can be said is neither longer there nor gone.
void Board::keep_unseen(const Kind& kind, const Evidence& evidence) {
  const TimePoint now = evidence.now().at;
  for (auto at = settling_.begin(); at != settling_.end();) {
    Settling& each = at->second;
    const bool is_unseen = each.what.kind == kind.name && each.looked_at != now;
    const bool is_kept = !is_unseen || (settling_.size() <= kMostSettling && kind.measure != nullptr &&
                                        !kind.measure(evidence, each.what));
    if (is_unseen) each.looked_at = now;
    at = is_kept ? std::next(at) : settling_.erase(at);
  }
}

void Board::admit(std::map<std::string, Recommendation, std::less<>>& found, const Evidence& step) {
  for (auto& [id, recommendation] : found) {
    if (items_.contains(id) || items_.size() >= kMostStanding + kMostDismissed) continue;
    const auto kind =
        std::ranges::find(kinds_, recommendation.kind, [](const Kind* each) { return each->name; });
    Item& item = items_[id];
    item.what = std::move(recommendation);
    item.kind = *kind;
    item.since = step.now().time;
    // At once: somebody may be quick to change what is recommended.
    const auto measure = item.kind->measure == nullptr ? std::nullopt : item.kind->measure(step, item.what);
    if (!measure) continue;
    item.setting = measure->setting;
    item.before.push_back({.at = step.now().at, .seconds = step.seconds(), .measure = *measure});
  }
}

bool Board::advance(Item& item, const Recommendation* found, const Evidence& step) {
  const TimePoint now = step.now().at;
  item.is_found = found != nullptr;
  if (item.dismissed) {
    if (found != nullptr) item.what = *found;
    return false;
  }
  Stretch stretch{.at = now, .seconds = step.seconds(), .measure = {}};
  const auto measure = item.kind->measure == nullptr ? std::nullopt : item.kind->measure(step, item.what);
  if (measure) stretch.measure = *measure;
  if (measure && !item.setting) item.setting = measure->setting;
  const bool has_changed = measure && measure->setting != item.setting;
  if (!item.is_pending) {
    if (found != nullptr && !has_changed) {
      item.what = *found;
      if (measure) item.before.push_back(stretch);
      while (!item.before.empty() && now - item.before.front().at > kBefore) item.before.pop_front();
      return false;
    }
    begin_to_measure(item, now);
  } else if (found != nullptr && !has_changed) {
    item.is_pending = false;
    item.what = *found;
    return false;
  }
  const bool counts = measure && (has_changed || !item.setting);
  if (counts && is_comparable(sum_of(item.before), stretch)) item.after.add(stretch);
  const Duration waited = std::chrono::duration_cast<Duration>(now - item.pending_since);
  const bool is_measured = item.after.seconds >= std::chrono::duration<double>(kAfter).count();
  const bool is_gone = waited >= (may_be_measured(item, has_changed) ? kPatience : kGone);
  if (is_measured || is_gone) end(item, step.now(), is_measured);
  return is_measured || is_gone;
}

/// What has a setting is measured once that has been changed; what has none, in any case.
bool Board::may_be_measured(const Item& item, bool has_changed) {
  return item.kind->measure != nullptr && (has_changed || !item.setting) && !item.before.empty();
}

/// That it is not found any more is noticed late: rates are those of a while. So what was measured since the
/// figure fell is of afterwards.
void Board::begin_to_measure(Item& item, TimePoint now) {
  item.is_pending = true;
  item.pending_since = now;
  item.after = {};
  const Sum before = sum_of(item.before);
  while (item.before.size() > 1) {
    const Stretch& last = item.before.back();
    const bool is_low =
        last.measure.weight > 0 && last.measure.amount / last.measure.weight < before.mean() / 2;
    if (item.setting || !is_low) return;
    if (is_comparable(before, last)) item.after.add(last);
    item.before.pop_back();
  }
}

void Board::end(Item& item, const Moment& now, bool is_measured) {
  Ended ended{.what = std::move(item.what), .since = item.since, .ended = now.time};
  if (is_measured)
    ended.effect = {
        .before = sum_of(item.before).mean(), .after = item.after.mean(), .seconds = item.after.seconds};
  // What comes and goes is told once.
  std::erase_if(ended_, [&](const Ended& each) { return each.what.id == ended.what.id && !each.effect; });
  ended_.push_front(std::move(ended));
  if (ended_.size() > kMostEnded) ended_.pop_back();
}

std::vector<Standing> Board::open() const {
  std::vector<Standing> all;
  for (const auto& [id, item] : items_) {
    if (!item.dismissed && !item.is_pending) all.push_back({.what = item.what, .since = item.since});
  }
  std::ranges::sort(all, comes_first, &Standing::what);
  if (all.size() > kMostStanding) all.resize(kMostStanding);
  return all;
}

std::vector<Standing> Board::dismissed() const {
  std::vector<Standing> all;
  for (const auto& [id, item] : items_) {
    if (item.dismissed)
      all.push_back(
          {.what = item.what, .since = item.since, .is_found = item.is_found, .dismissed = item.dismissed});
  }
  std::ranges::stable_sort(all, std::greater(), [](const Standing& each) { return each.dismissed->time; });
  return all;
}

std::vector<Pending> Board::pending() const {
  std::vector<Pending> all;
  for (const auto& [id, item] : items_) {
    if (!item.dismissed && item.is_pending && item.kind->measure != nullptr)
      all.push_back({.what = item.what, .since = item.since, .measured_seconds = item.after.seconds});
  }
  return all;
}

bool Board::dismiss(std::string_view id, std::string_view by, double time) {
  const auto at = items_.find(id);
  if (at == items_.end() || at->second.dismissed || at->second.is_pending) return false;
  at->second.dismissed = {time, std::string(by)};
  at->second.before.clear();
  at->second.setting.reset();
  const auto all = dismissed();
  if (all.size() <= kMostDismissed) return true;
  const auto gone =
      std::find_if(all.rbegin(), all.rend(), [](const Standing& each) { return !each.is_found; });
  items_.erase(gone == all.rend() ? all.back().what.id : gone->what.id);
  return true;
}

bool Board::restore(std::string_view id) {
  const auto at = items_.find(id);
  if (at == items_.end() || !at->second.dismissed) return false;
  at->second.dismissed.reset();
  if (!at->second.is_found) items_.erase(at);
  return true;
}

}  // namespace forebay::advise
