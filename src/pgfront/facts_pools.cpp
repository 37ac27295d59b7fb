#include <algorithm>
#include <map>
#include <tuple>

#include "pgfront/facts.hpp"
#include "pgfront/show_census.hpp"

namespace forebay::pgfront {

namespace {

void add(PoolFacts& sum, BackendState state) {
  switch (state) {
    case BackendState::active:
      ++sum.active;
      return;
    case BackendState::idle:
      ++sum.idle;
      return;
    case BackendState::used:
      ++sum.used;
      return;
    case BackendState::tested:
      ++sum.tested;
      return;
    case BackendState::login:
      ++sum.login;
      return;
    case BackendState::being_canceled:
      ++sum.being_canceled;
      return;
  }
}

/// The figures that threads count.
void add(PoolFacts& sum, const PoolFacts& other) {
  for (const auto figure : {&PoolFacts::clients, &PoolFacts::waiting, &PoolFacts::cancels, &PoolFacts::active,
                            &PoolFacts::idle, &PoolFacts::used, &PoolFacts::tested, &PoolFacts::login,
                            &PoolFacts::being_canceled, &PoolFacts::held}) {
    sum.*figure += other.*figure;
  }
  sum.longest_idle_ms = std::max(sum.longest_idle_ms, other.longest_idle_ms);
}

/// By the pool's address, which serves as its name: the pools are kept alive by whoever asks.
using PoolCounts = std::map<const backend::Pool*, PoolFacts>;

PoolCounts count_here(Worker& worker, TimePoint now) {
  const Census census(worker, now);
  PoolCounts counts;
  for (const Client* client : census.clients()) {
    const backend::Pool* awaited = client->awaited_pool();
    if (awaited != nullptr) ++counts[awaited].waiting;
    const auto* session = client->session();
    if (session == nullptr) continue;
    PoolFacts& count = counts[&session->pool()];
    if (awaited == nullptr) ++count.clients;
    if (!session->held_because().empty()) ++count.held;
    if (session->is_idle_in_transaction())
      count.longest_idle_ms =
          std::max(count.longest_idle_ms, micros_between(session->state_since(), now) / 1000);
  }
  for (const auto& entry : census.backends()) {
    PoolFacts& count = counts[&entry.backend->pool()];
    add(count, entry.state);
    count.cancels += entry.backend->cancels_in_flight();
  }
  return counts;
}

using Groups = std::map<std::tuple<std::string, std::string, std::string>, std::vector<const backend::Pool*>>;

Groups groups_of(const std::vector<std::shared_ptr<backend::Pool>>& pools, bool joins_servers) {
  Groups groups;
  for (const auto& pool : pools) {
    const bool is_apart = !joins_servers && pool->is_apart();
    groups[{pool->user(), pool->database(), is_apart ? pool->target()->name() : std::string()}].push_back(
        pool.get());
  }
  return groups;
}

PoolFacts describe(const backend::PoolDirectory& directory, const config::Settings& settings,
                   const backend::Pool& pool, TimePoint now) {
  return {.database = pool.database(),
          .user = pool.user(),
          .server = pool.target()->name(),
          .is_for_reads = pool.is_for_reads(),
          .is_paused = pool.is_paused(),
          .mode = directory.rules_for(settings, pool.key()).mode,
          .most_backends = pool.most_backends(),
          .longest_wait_ms =
              static_cast<std::uint64_t>(std::max<std::int64_t>(pool.longest_wait(now).count(), 0))};
}

}  // namespace

void gather_pools(const Inquiry& inquiry, bool joins_servers,
                  std::function<void(std::vector<PoolFacts>)> done) {
  const auto pools = inquiry.front.directory().all();
  gather(
      inquiry.front, inquiry.asker, inquiry.here,
      [now = inquiry.now](Worker& worker) { return count_here(worker, now); },
      [&front = inquiry.front, pools, joins_servers, now = inquiry.now,
       done = std::move(done)](const std::vector<PoolCounts>& threads) {
        const auto settings = front.settings();
        std::vector<PoolFacts> all;
        for (const auto& [name, members] : groups_of(pools, joins_servers)) {
          PoolFacts& facts = all.emplace_back(describe(front.directory(), *settings, *members.front(), now));
          for (const backend::Pool* pool : members) facts.traffic += pool->traffic();
          for (const PoolCounts& counts : threads) {
            for (const backend::Pool* pool : members) {
              if (const auto at = counts.find(pool); at != counts.end()) add(facts, at->second);
            }
          }
        }
        done(std::move(all));
      });
}

}  // namespace forebay::pgfront
