#include "http/readings.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace forebay::http {

namespace {

using alert::Labels;
using alert::Reading;
using config::SignalId;

/// Powers of two of microseconds: those of config::kSlowCall and config::kSlowTransaction.
constexpr std::size_t kSlowCallPower = 19;
constexpr std::size_t kSlowTransactionPower = 21;
static_assert(config::kSlowCall == (1 << kSlowCallPower) / 1e6);
static_assert(config::kSlowTransaction == (1 << kSlowTransactionPower) / 1e6);

/// Collects values.
class Collector {
 public:
  void add(SignalId id, Labels labels, double value) {
    all_.push_back({&config::signal(id), std::move(labels), value});
  }
  void add_share(SignalId id, Labels labels, double part, double whole) {
    if (whole > 0) add(id, std::move(labels), part / whole);
  }
  std::vector<Reading> take() { return std::move(all_); }

 private:
  std::vector<Reading> all_;
};

double seconds_of(std::uint64_t milliseconds) {
  return static_cast<double>(milliseconds) / 1e3;
}

double flag(bool is_set) {
  return is_set ? 1 : 0;
}

void read_pools(Collector& to, const Figures& figures) {
  // By somebody, who knows why nobody is served. A pool that waits for a primary is not among them.
  std::set<std::string_view> paused;
  for (const auto& facts : figures.databases) {
    if (facts.is_paused) paused.insert(facts.name);
  }
  for (const auto& pool : figures.pools) {
    const Labels labels{{"database", pool.database},
                        {"user", pool.user},
                        {"server", pool.server},
                        {"use", pool.is_for_reads ? "reads" : "all"}};
    to.add_share(SignalId::pool_use, labels, static_cast<double>(pool.in_use()),
                 static_cast<double>(pool.most_backends));
    if (!paused.contains(pool.database))
      to.add(SignalId::pool_longest_wait, labels, seconds_of(pool.longest_wait_ms));
    to.add(SignalId::transaction_idle, labels, seconds_of(pool.longest_idle_ms));
  }
}

void read_process(Collector& to, const Figures& figures) {
  to.add_share(SignalId::clients_use, {}, static_cast<double>(figures.clients.counted),
               static_cast<double>(figures.most_clients));
  const auto total = static_cast<double>(figures.machine.memory_bytes);
  to.add_share(SignalId::process_memory, {}, static_cast<double>(figures.process.resident_bytes), total);
  to.add_share(SignalId::machine_memory, {}, total - static_cast<double>(figures.machine.available_bytes),
               total);
  to.add_share(SignalId::process_files, {}, static_cast<double>(figures.process.open_files),
               static_cast<double>(figures.process.most_files));
  to.add_share(SignalId::cache_use, {}, static_cast<double>(figures.store.bytes),
               static_cast<double>(figures.store_capacity));
  to.add(SignalId::paused, {}, flag(figures.is_paused));
}

void read_servers(Collector& to, const Figures& figures) {
  using route::State;
  for (const auto& facts : figures.servers) {
    if (!facts.is_watched) continue;
    const Labels labels{{"server", facts.server.name}};
    const State state = facts.server.state;
    const bool is_down = state == State::down || state == State::refused;
    to.add(SignalId::server_down, labels, flag(is_down));
    if (!facts.is_primary) to.add(SignalId::replica_out, labels, flag(is_down || state == State::lagging));
    if (facts.lag_ms) to.add(SignalId::replica_lag, labels, seconds_of(*facts.lag_ms));
  }
}

double mean_seconds(const observe::Histogram& times) {
  return static_cast<double>(times.sum()) / 1e6 / static_cast<double>(times.count());
}
double percentile_seconds(const observe::Histogram& times, double share) {
  return static_cast<double>(times.percentile(share)) / 1e6;
}
double slower_than(const observe::Histogram& times, std::size_t power) {
  return static_cast<double>(times.count() - times.below_power(power));
}

void read_database(Collector& to, const std::string& name, const pgfront::LatencyReport& now,
                   const pgfront::LatencyReport& earlier) {
  const Labels labels{{"database", name}};
  const auto calls = now.calls.since(earlier.calls);
  to.add(SignalId::query_slow, labels, slower_than(calls, kSlowCallPower));
  if (calls.count() >= config::kLeastValues) {
    to.add(SignalId::query_mean, labels, mean_seconds(calls));
    to.add(SignalId::query_p95, labels, percentile_seconds(calls, 0.95));
  }
  // What memory answers has been asked as well: the better it does, the rarer are calls.
  const auto hits = now.hits.since(earlier.hits);
  const std::uint64_t answered = calls.count() + hits.count();
  if (answered >= config::kLeastValues)
    to.add_share(SignalId::query_slow_ratio, labels, slower_than(calls, kSlowCallPower),
                 static_cast<double>(answered));
  const std::uint64_t refused = now.refusals - earlier.refusals;
  if (answered + refused >= config::kLeastValues)
    to.add_share(SignalId::query_error_ratio, labels,
                 static_cast<double>(now.errors - earlier.errors + refused),
                 static_cast<double>(answered + refused));
  if (calls.count() >= config::kLeastManyValues)
    to.add(SignalId::query_p99, labels, percentile_seconds(calls, 0.99));
  const auto transactions = now.transactions.since(earlier.transactions);
  if (transactions.count() >= config::kLeastValues) {
    to.add(SignalId::transaction_p95, labels, percentile_seconds(transactions, 0.95));
    to.add_share(SignalId::transaction_slow_ratio, labels, slower_than(transactions, kSlowTransactionPower),
                 static_cast<double>(transactions.count()));
  }
  const auto waits = now.waits.since(earlier.waits);
  if (waits.count() >= config::kLeastValues)
    to.add(SignalId::pool_wait_p95, labels, percentile_seconds(waits, 0.95));
  if (hits.count() >= config::kLeastManyValues)
    to.add(SignalId::cache_hit_p99, labels, percentile_seconds(hits, 0.99));
}

void read_cache(Collector& to, const pgfront::CacheFacts& facts, std::uint64_t hits, std::uint64_t misses) {
  const Labels labels{{"database", facts.database}, {"server", facts.server}};
  if (hits + misses >= config::kLeastManyValues)
    to.add_share(SignalId::cache_hit_ratio, labels, static_cast<double>(hits),
                 static_cast<double>(hits + misses));
  if (facts.wanted_lease_age) to.add(SignalId::cache_lease_age, labels, seconds_of(*facts.wanted_lease_age));
  to.add(SignalId::cache_troubled, labels, flag(!facts.trouble.empty()));
}

/// Nothing has come in between.
bool are_equal(const pgfront::LatencyReport& one, const pgfront::LatencyReport& other) {
  const auto counts = [](const pgfront::LatencyReport& report) {
    return std::array{report.calls.count(), report.transactions.count(),
                      report.waits.count(), report.hits.count(),
                      report.errors,        report.refusals};
  };
  return counts(one) == counts(other);
}

}  // namespace

Readings::Past Readings::past_of(const Figures& figures, TimePoint now) const {
  Past past{.at = now,
            .databases = {},
            .caches = {},
            .cpu_seconds = figures.process.cpu_seconds,
            .busy_seconds = figures.machine.busy_seconds,
            .idle_seconds = figures.machine.idle_seconds,
            .health_answers = figures.health_answers};
  for (const auto& [name, report] : figures.latencies) {
    const auto* before = pasts_.empty() ? nullptr : pasts_.back().report_of(name);
    past.databases.emplace(name, before != nullptr && are_equal(**before, report)
                                     ? *before
                                     : std::make_shared<const pgfront::LatencyReport>(report));
  }
  return past;
}

/// Afterwards the first is as old as the window, or not quite yet.
void Readings::remember(const Figures& figures, TimePoint now, Duration window) {
  if (pasts_.empty() || now - pasts_.back().at >= window / kSteps) pasts_.push_back(past_of(figures, now));
  for (const auto& facts : figures.caches) {
    const CacheName name(facts.database, facts.server);
    const auto known = latest_.try_emplace(name).first;
    pasts_.back().caches.try_emplace(name, known->second);
    known->second = {.hits = facts.hits, .misses = facts.misses};
  }
  while (pasts_.size() > 1 && now - pasts_[1].at >= window) pasts_.pop_front();
}

const Readings::ReportPtr* Readings::Past::report_of(std::string_view database) const {
  const auto found = databases.find(database);
  return found == databases.end() ? nullptr : &found->second;
}

/// What it had first within the window.
Readings::CacheCounts Readings::earliest(const CacheName& name) const {
  const auto has_it = [&](const Past& past) { return past.caches.contains(name); };
  return std::ranges::find_if(pasts_, has_it)->caches.at(name);  // the last past has all of them
}

std::vector<Reading> Readings::take(const Figures& figures, TimePoint now, Duration window) {
  Collector to;
  read_pools(to, figures);
  read_process(to, figures);
  read_servers(to, figures);
  remember(figures, now, window);
  const Past& past = pasts_.front();
  const pgfront::LatencyReport nothing;
  for (const auto& [name, report] : figures.latencies) {
    const auto* earlier = past.report_of(name);
    read_database(to, std::string(name), report, earlier == nullptr ? nothing : **earlier);
  }
  for (const auto& facts : figures.caches) {
    const CacheCounts earlier = earliest({facts.database, facts.server});
    read_cache(to, facts, facts.hits - earlier.hits, facts.misses - earlier.misses);
  }
  if (const double span = seconds_between(past.at, now); span > 0) {
    to.add_share(SignalId::process_cpu, {}, (figures.process.cpu_seconds - past.cpu_seconds) / span,
                 static_cast<double>(figures.loops));
    const double busy = figures.machine.busy_seconds - past.busy_seconds;
    to.add_share(SignalId::machine_cpu, {}, busy, busy + figures.machine.idle_seconds - past.idle_seconds);
  }
  const auto answers = figures.health_answers.since(past.health_answers);
  if (answers.count() > 0) to.add(SignalId::health_mean, {}, mean_seconds(answers));
  if (figures.ready_share) to.add(SignalId::ready_ratio, {}, *figures.ready_share);
  growth_.add(now,
              static_cast<double>(figures.process.resident_bytes) - static_cast<double>(figures.store.bytes));
  if (const auto slope = growth_.per_hour()) to.add(SignalId::process_memory_growth, {}, *slope);
  return to.take();
}

}  // namespace forebay::http
