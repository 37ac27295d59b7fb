#include "alert/board.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace forebay::alert {

namespace {

std::size_t index(AlertLevel level) {
  return static_cast<std::size_t>(level);
}

bool fits(const config::RuleInUse& rule, const Labels& labels) {
  return std::ranges::all_of(rule.matches, [&labels](const auto& match) {
    const auto at = std::ranges::find(labels, match.first, &Labels::value_type::first);
    return at != labels.end() && config::fits(match.second, at->second);
  });
}

}  // namespace

std::string_view name_of(Happened happened) {
  switch (happened) {
    case Happened::raised:
      return "raised";
    case Happened::level_changed:
      return "level_changed";
    case Happened::acknowledged:
      return "acknowledged";
    case Happened::resolved:
      break;
  }
  return "resolved";
}

void Board::use(std::vector<config::RuleInUse> rules) {
  rules_ = std::move(rules);
}

std::vector<Change> Board::evaluate(const std::vector<Reading>& readings, Moment now) {
  for (auto& [key, watched] : watched_) watched.is_seen = false;
  for (const config::RuleInUse& rule : rules_) {
    std::size_t watched_of_it = watched_of(rule);
    for (const Reading& reading : readings) {
      if (reading.signal == rule.signal && fits(rule, reading.labels))
        look(rule, reading, watched_of_it, now.at);
    }
  }
  std::vector<Change> changes;
  for (auto at = watched_.begin(); at != watched_.end();) {
    auto& [key, watched] = *at;
    const auto rule = std::ranges::find(rules_, key.first, &config::RuleInUse::name);
    const bool is_gone = rule == rules_.end() || !fits(*rule, key.second) ||
                         (watched.alert && watched.alert->signal != rule->signal);
    if (is_gone) {
      if (watched.alert) changes.push_back(close(watched, "", now));
      at = watched_.erase(at);
      continue;
    }
    settle(*rule, key.second, watched, now, changes);
    at = is_idle(watched) ? watched_.erase(at) : std::next(at);
  }
  return changes;
}

bool Board::is_idle(const Watched& watched) {
  const auto is_at_rest = [](const Gate& gate) { return !gate.is_passed && !gate.beyond_since; };
  return !watched.alert && !watched.quiet_up_to && std::ranges::all_of(watched.gates, is_at_rest);
}

std::size_t Board::watched_of(const config::RuleInUse& rule) const {
  const auto first = watched_.lower_bound({rule.name, {}});
  const auto end =
      std::find_if(first, watched_.end(), [&](const auto& each) { return each.first.first != rule.name; });
  return static_cast<std::size_t>(std::distance(first, end));
}

/// Notes which thresholds the value is beyond. `watched_of_it`: so many things of the rule are watched.
void Board::look(const config::RuleInUse& rule, const Reading& reading, std::size_t& watched_of_it,
                 TimePoint now) {
  const auto is_beyond = [&](const std::optional<double>& threshold) {
    return threshold && config::is_beyond(*rule.signal, reading.value, *threshold);
  };
  const bool is_bad = std::ranges::any_of(rule.thresholds, is_beyond);
  const Key key{rule.name, reading.labels};
  auto at = watched_.find(key);
  if (at == watched_.end()) {
    if (!is_bad) return;
    if (watched_of_it >= kMostOfRule) {
      ++left_out_;
      return;
    }
    ++watched_of_it;
    at = watched_.try_emplace(key).first;
  }
  Watched& watched = at->second;
  watched.is_seen = true;
  for (const AlertLevel level : config::kAlertLevels) {
    Gate& gate = watched.gates[index(level)];
    if (!is_beyond(rule.thresholds[index(level)])) {
      gate.beyond_since.reset();
      continue;
    }
    if (!gate.beyond_since) gate.beyond_since = now;
    gate.last_beyond = now;
    gate.value = reading.value;
    gate.threshold = *rule.thresholds[index(level)];
  }
}

void Board::move_gates(const config::RuleInUse& rule, Watched& watched, TimePoint now) {
  for (Gate& gate : watched.gates) {
    if (!watched.is_seen) gate.beyond_since.reset();
    if (gate.beyond_since && now - *gate.beyond_since >= rule.hold) gate.is_passed = true;
    if (gate.is_passed && !gate.beyond_since && now - gate.last_beyond >= rule.resolve_after)
      gate.is_passed = false;
  }
}

std::optional<AlertLevel> Board::level_of(const Watched& watched) {
  std::optional<AlertLevel> highest;
  for (const AlertLevel level : config::kAlertLevels) {
    if (watched.gates[index(level)].is_passed) highest = level;
  }
  return highest;
}

void Board::settle(const config::RuleInUse& rule, const Labels& labels, Watched& watched, Moment now,
                   std::vector<Change>& changes) {
  move_gates(rule, watched, now.at);
  const auto level = level_of(watched);
  if (!level) {
    watched.quiet_up_to.reset();
    if (watched.alert) changes.push_back(close(watched, "", now));
    return;
  }
  if (watched.quiet_up_to) {
    if (*level <= *watched.quiet_up_to) return;
    watched.quiet_up_to.reset();
  }
  if (!watched.alert) {
    watched.alert = raise(rule, labels, watched, *level, now);
    changes.push_back({Happened::raised, *watched.alert});
    return;
  }
  Alert& alert = *watched.alert;
  const Gate& gate = watched.gates[index(*level)];
  alert.value = gate.value;
  alert.description = rule.description;
  alert.threshold = gate.threshold;
  if (alert.level == *level) return;
  const AlertLevel before = alert.level;
  alert.level = *level;
  alert.level_since = now.time;
  // Somebody knows of the milder one, not of this one.
  if (*level > before) {
    alert.acknowledged.reset();
    alert.acknowledged_by.clear();
  }
  changes.push_back({Happened::level_changed, alert, before});
}

Alert Board::raise(const config::RuleInUse& rule, const Labels& labels, const Watched& watched,
                   AlertLevel level, Moment now) {
  const Gate& gate = watched.gates[index(level)];
  return {.id = fmt::format("{:x}-{:x}", static_cast<std::uint64_t>(now.time * 1000), ++raised_),
          .rule = rule.name,
          .description = rule.description,
          .signal = rule.signal,
          .labels = labels,
          .level = level,
          .value = gate.value,
          .threshold = gate.threshold,
          .started = now.time,
          .level_since = now.time};
}

Change Board::close(Watched& watched, std::string_view by, Moment now) {
  Alert alert = std::move(*watched.alert);
  watched.alert.reset();
  alert.resolved = now.time;
  alert.resolved_by = by;
  resolved_.push_front(alert);
  if (resolved_.size() > kMostResolved) resolved_.pop_back();
  return {Happened::resolved, std::move(alert)};
}

Board::Watched* Board::find(std::string_view id) {
  for (auto& [key, watched] : watched_) {
    if (watched.alert && watched.alert->id == id) return &watched;
  }
  return nullptr;
}

std::optional<Change> Board::acknowledge(std::string_view id, std::string_view by, Moment now) {
  Watched* watched = find(id);
  if (watched == nullptr || watched->alert->acknowledged) return std::nullopt;
  watched->alert->acknowledged = now.time;
  watched->alert->acknowledged_by = by;
  return Change{Happened::acknowledged, *watched->alert};
}

std::optional<Change> Board::resolve(std::string_view id, std::string_view by, Moment now) {
  Watched* watched = find(id);
  if (watched == nullptr) return std::nullopt;
  watched->quiet_up_to = watched->alert->level;
  return close(*watched, by, now);
}

std::vector<Alert> Board::active() const {
  std::vector<Alert> all;
  for (const auto& [key, watched] : watched_) {
    if (watched.alert) all.push_back(*watched.alert);
  }
  std::ranges::stable_sort(all, [](const Alert& one, const Alert& other) {
    return std::tuple(one.level, one.started) > std::tuple(other.level, other.started);
  });
  return all;
}

std::size_t Board::pending() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      watched_, [](const auto& each) { return !each.second.alert && !each.second.quiet_up_to; }));
}

}  // namespace forebay::alert
