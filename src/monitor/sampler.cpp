#include "monitor/sampler.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "backend/server_watch.hpp"
#include "monitor/main_server.hpp"

namespace forebay::monitor {

namespace {

using std::chrono::seconds;

constexpr seconds kLookedAtFor{10};
/// While somebody looks.
constexpr Duration kQuick{1'000};
/// Between two looks at settings, servers and databases.
constexpr Duration kPlanInterval{1'000};

/// Why nobody is asked; empty: somebody is.
std::string why_off(const config::Settings& settings) {
  if (settings.upstream.user.empty()) return "the upstream's URL names no user who could ask";
  return settings.sampling.enabled ? "" : "sampling.enabled is off";
}

}  // namespace

Sampler::Sampler(pgfront::Front& front) : front_(front), why_off_(why_off(*front.settings())) {
  publish();
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Sampler::~Sampler() {
  stop();
}

void Sampler::stop() {
  thread_.request_stop();
  waker_.wake();
  if (thread_.joinable()) thread_.join();
}

SamplesPtr Sampler::samples() const {
  const std::lock_guard lock(mutex_);
  return samples_;
}

void Sampler::look() {
  const TimePoint now = Clock::now();
  const bool is_first = !is_looked_at(now);
  looked_.store(now, std::memory_order_relaxed);
  if (is_first) waker_.wake();
}

bool Sampler::is_looked_at(TimePoint now) const {
  const TimePoint looked = looked_.load(std::memory_order_relaxed);
  return looked != TimePoint() && now - looked < kLookedAtFor;
}

/// The databases of the main cluster that are asked about themselves, the upstream's own first.
std::vector<Sampler::Wish> Sampler::wishes(const config::Settings& settings,
                                           std::vector<std::string>& left_out) const {
  const std::string primary = primary_of(front_, settings);
  const std::string own = own_database(settings);
  std::vector<Wish> wishes = {
      {.server = primary, .database = own, .is_primary = true, .is_of_server = true, .is_of_database = true}};
  std::map<std::string, std::set<std::string>> used;  // by clients, under which names
  for (const auto& pool : front_.directory().all()) {
    const auto target = pool->target();
    if (target == nullptr || target->name() != primary) continue;
    const std::string& fixed = target->upstream().database;
    used[fixed.empty() ? pool->database() : fixed].insert(pool->database());
  }
  // By its own name, too, where that leads there: pools are forgotten, and what came through them is not.
  if (config::upstream_entry(settings, own).empty()) used[own].insert(own);
  for (const auto& [database, names] : used) {
    if (database == own) {
      wishes.front().client_databases = {names.begin(), names.end()};
    } else if (wishes.size() <= kMostDatabases) {
      wishes.push_back({.server = primary,
                        .database = database,
                        .client_databases = {names.begin(), names.end()},
                        .is_primary = true,
                        .is_of_database = true});
    } else {
      left_out.push_back(database);
    }
  }
  for (const config::Upstream& server : backend::servers_of(settings)) {
    const std::string name = backend::server_name(server);
    if (name != primary) wishes.push_back({.server = name, .database = own, .is_of_server = true});
  }
  return wishes;
}

/// Makes the visits those that are wanted now. True when there is something to be told.
bool Sampler::plan() {
  const auto settings = front_.settings();
  interval_ = settings->sampling.interval;
  std::string why = why_off(*settings);
  std::vector<std::string> left_out;
  std::vector<std::unique_ptr<Visit>> wanted;
  bool has_changed = why != why_off_;
  if (why.empty()) {
    const auto targets = front_.directory().server_targets();
    for (const Wish& wish : wishes(*settings, left_out)) {
      const auto target = targets.find(wish.server);
      if (target == targets.end()) continue;
      const auto same = std::ranges::find_if(visits_, [&](const auto& visit) {
        return visit != nullptr && visit->target() == target->second &&
               visit->place().server == wish.server && visit->place().database == wish.database;
      });
      if (same == visits_.end()) {
        has_changed = true;
        wanted.push_back(
            std::make_unique<Visit>(target->second, Place{.server = wish.server, .database = wish.database}));
      } else {
        wanted.push_back(std::move(*same));
      }
      wanted.back()->set_duties(wish.is_primary, wish.is_of_server, wish.is_of_database);
      has_changed = wanted.back()->set_client_databases(wish.client_databases) || has_changed;
    }
  }
  has_changed = has_changed || wanted.size() != visits_.size() || left_out != left_out_;
  visits_ = std::move(wanted);
  why_off_ = std::move(why);
  left_out_ = std::move(left_out);
  return has_changed;
}

void Sampler::publish() {
  auto samples = std::make_shared<Samples>();
  samples->is_on = why_off_.empty();
  samples->why_off = why_off_;
  samples->left_out = left_out_;
  for (const auto& visit : visits_) samples->places.push_back(visit->place());
  const std::lock_guard lock(mutex_);
  samples_ = std::move(samples);
}

void Sampler::run(const std::stop_token& stop) {
  TimePoint next_plan{};
  std::vector<pollfd> polled;
  while (!stop.stop_requested()) {
    const TimePoint now = Clock::now();
    bool has_news = false;
    const Duration quick = is_looked_at(now) ? std::min(kQuick, interval_) : interval_;
    for (std::size_t at = 0; at < visits_.size(); ++at) {
      const bool has_events = at < polled.size() && polled[at].revents != 0;
      if (is_looked_at(now)) visits_[at]->hurry(now, quick);
      has_news = visits_[at]->advance(now, has_events, quick) || has_news;
    }
    if (now >= next_plan) {
      has_news = plan() || has_news;
      next_plan = now + kPlanInterval;
    }
    if (has_news) publish();
    TimePoint next = next_plan;
    polled.clear();
    for (const auto& visit : visits_) {
      polled.push_back(visit->polled());
      next = std::min(next, visit->next_event());
    }
    polled.push_back({waker_.fd(), POLLIN, 0});
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    poll(polled.data(), polled.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (polled.back().revents != 0) waker_.clear();
    polled.pop_back();
  }
}

}  // namespace forebay::monitor
