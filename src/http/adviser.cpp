#include "http/adviser.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/wall_clock.hpp"
#include "http/readiness.hpp"
#include "pgfront/console_service.hpp"
#include "pgfront/statement_report.hpp"

namespace forebay::http {

namespace {

constexpr std::chrono::seconds kInterval{5};
/// The dearest: others cannot be worth anything.
constexpr std::size_t kMostStatements = 200;

advise::Moment moment_of(pgfront::Front& front, const Figures& figures, TimePoint now) {
  const auto& clients = figures.clients;
  return {.at = now,
          .time = figures.time,
          .settings = front.settings(),
          .troubles = troubles_of(front),
          .databases = figures.databases,
          .servers = figures.servers,
          .pools = figures.pools,
          .caches = figures.caches,
          .traffic = figures.traffic,
          .clients = clients.counted,
          .most_clients = figures.most_clients,
          .store_bytes = figures.store.bytes,
          .store_capacity = figures.store_capacity,
          .evictions = figures.store.evicted};
}

/// By the name that clients give their database; null where several servers answer to it.
using Caches = std::map<std::string, std::shared_ptr<engine::DatabaseCache>, std::less<>>;

Caches caches_of(pgfront::Front& front) {
  Caches caches;
  for (const auto& pool : front.directory().all()) {
    auto cache = front.caches().find(*pool);
    if (cache == nullptr) continue;
    const auto [at, is_first] = caches.try_emplace(pool->database(), cache);
    if (!is_first && at->second != cache) at->second = nullptr;
  }
  return caches;
}

/// A text that is cut cannot be judged.
advise::StatementCount count_of(const engine::StatementTable::Row& row, const Caches& caches) {
  advise::StatementCount count{.fingerprint = row.name.fingerprint,
                               .database = row.name.database,
                               .text = row.text,
                               .figures = row.figures};
  const auto at = caches.find(row.name.database);
  if (at == caches.end() || at->second == nullptr || row.text->size() >= engine::StatementTable::kLongestText)
    return count;
  if (const auto plan = at->second->plan_of(*row.text)) {
    count.refusal = plan->refusal;
    count.is_left_out = at->second->policies()->leaves_out(*plan);
  }
  const auto worth = at->second->worth().counts(engine::Worth::place_of(row.name.fingerprint));
  count.kept = worth.kept;
  count.used_again = worth.used;
  return count;
}

}  // namespace

void Adviser::note(const Figures& figures, TimePoint now) {
  if (now - noted_ < kInterval) return;
  noted_ = now;
  auto moment = std::make_shared<advise::Moment>(moment_of(front_, figures, now));
  moment->samples = watched_.sampler.samples();
  const pgfront::Inquiry inquiry{front_, alive_, here_, now};
  const auto on_repetitions = [this, moment](const std::vector<engine::Repetition>& repetitions) {
    moment->repetitions = repetitions;
    moment->missing_indexes = watched_.planner.missing_indexes();
    board_.take(moment);
    publish();
  };
  pgfront::gather_statements(inquiry, kMostStatements,
                             [this, moment, inquiry, on_repetitions](const pgfront::StatementReport& report) {
                               const Caches caches = caches_of(front_);
                               for (const auto& row : report.rows)
                                 moment->statements.push_back(count_of(row, caches));
                               pgfront::gather_repetitions(inquiry, on_repetitions);
                             });
}

bool Adviser::dismiss(std::string_view id, std::string_view by) {
  const bool was_open = board_.dismiss(id, by, unix_time());
  publish();
  return was_open;
}

bool Adviser::restore(std::string_view id) {
  const bool was_dismissed = board_.restore(id);
  publish();
  return was_dismissed;
}

void Adviser::publish() {
  auto lines = std::make_shared<std::vector<pgfront::AdviceLine>>();
  for (const advise::Standing& standing : board_.open()) {
    const advise::Recommendation& what = standing.what;
    lines->push_back({.urgency = std::string(name_of(what.urgency)),
                      .title = what.title,
                      .evidence = what.evidence,
                      .gain = what.gain.text,
                      .advice = what.advice,
                      .change = what.change.text,
                      .id = what.id});
  }
  front_.console_service().set_advice(std::move(lines));
}

}  // namespace forebay::http
