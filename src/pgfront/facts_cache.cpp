#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "pgfront/facts.hpp"

namespace forebay::pgfront {

namespace {

struct Held {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};
using HeldBy = std::map<const cache::Freshness*, Held>;

HeldBy count_entries(cache::Store& store) {
  HeldBy held;
  store.visit([&held](const cache::EntryPtr& entry, std::uint64_t) {
    Held& of = held[&entry->freshness()];
    ++of.entries;
    of.bytes += entry->bytes();
  });
  return held;
}

std::uint64_t milliseconds(Duration time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 0));
}

/// At the level ttl each entry has a bound of its own.
void describe_staleness(CacheFacts& facts, const cache::Freshness& freshness, TimePoint now) {
  const auto age = [now](TimePoint then) {
    return milliseconds(std::chrono::duration_cast<Duration>(now - then));
  };
  if (const TimePoint lease = freshness.lease(); lease != TimePoint()) facts.lease_age = age(lease);
  if (const TimePoint proof = freshness.last_proof(); proof != TimePoint())
    facts.wanted_lease_age = freshness.last_used() > proof ? age(proof) : 0;
  if (facts.level == cache::Level::ttl) return;
  facts.staleness = milliseconds(freshness.bound());
  const auto ages = freshness.recent_ages();
  if (!ages) return;
  facts.age_p50 = milliseconds(ages->p50);
  facts.age_p99 = milliseconds(ages->p99);
  facts.age_max = milliseconds(ages->max);
}

/// The names that clients give the database of each cache.
std::map<const engine::DatabaseCache*, std::set<std::string>> client_databases(Front& front) {
  std::map<const engine::DatabaseCache*, std::set<std::string>> names;
  for (const auto& pool : front.directory().all())
    names[front.caches().find(*pool).get()].insert(pool->database());
  return names;
}

CacheFacts facts_of(const engine::DatabaseCache& cache, TimePoint now) {
  const auto& freshness = cache.freshness();
  const auto& counters = cache.counters();
  CacheFacts facts;
  facts.database = cache.database();
  facts.server = cache.server();
  facts.level = freshness.level();
  facts.trouble = freshness.trouble();
  describe_staleness(facts, freshness, now);
  facts.hits = counters.hits;
  facts.misses = counters.misses;
  facts.waits = counters.waits;
  facts.fills = counters.fills;
  facts.refills = counters.refills;
  facts.stale = counters.stale;
  facts.stream = freshness.stream_figures();
  facts.refused = counters.refused;
  facts.saved_micros = counters.saved_micros;
  return facts;
}

}  // namespace

std::vector<CacheFacts> cache_facts(Front& front, TimePoint now, bool counts_entries) {
  auto caches = front.caches().all();  // and keeps them, whose addresses are names in what follows
  const HeldBy held = counts_entries ? count_entries(front.caches().store()) : HeldBy();
  const auto names = client_databases(front);
  // A server that has moved to another address has one there, and the former until nobody uses it: the newest
  // speaks.
  std::ranges::sort(caches, {}, [](const auto& cache) {
    return std::tuple(cache->server(), cache->database(), ~cache->id());
  });
  std::vector<CacheFacts> all;
  for (const auto& cache : caches) {
    const bool is_former =
        !all.empty() && all.back().server == cache->server() && all.back().database == cache->database();
    CacheFacts& facts = is_former ? all.back() : all.emplace_back(facts_of(*cache, now));
    if (const auto at = names.find(cache.get()); at != names.end()) {
      std::set<std::string> sum(facts.client_databases.begin(), facts.client_databases.end());
      sum.insert(at->second.begin(), at->second.end());
      facts.client_databases.assign(sum.begin(), sum.end());
    }
    if (const auto at = held.find(&cache->freshness()); at != held.end()) {
      facts.entries += at->second.entries;
      facts.bytes += at->second.bytes;
    }
  }
  return all;
}

}  // namespace forebay::pgfront
