#include "engine/database_cache.hpp"

#include <utility>

#include <boost/unordered/unordered_flat_map.hpp>

#include "sql/scan.hpp"

namespace forebay::engine {

namespace {

std::atomic<std::uint64_t> next_id = 1;

/// Bounds what the texts of clients can make a thread remember.
constexpr std::size_t kMaxPlans = 8192;

struct PlanName {
  std::uint64_t cache;
  sql::Fingerprint text;

  friend bool operator==(const PlanName&, const PlanName&) = default;
};

struct PlanHash {
  std::size_t operator()(const PlanName& name) const { return name.text.low ^ name.cache; }
};

using Plans = boost::unordered_flat_map<PlanName, std::shared_ptr<const StatementPlan>, PlanHash>;

}  // namespace

DatabaseCache::DatabaseCache(CacheDirectory& directory, std::shared_ptr<cache::Store> store,
                             std::shared_ptr<const backend::Target> target, std::string database,
                             const config::Cache& rules, std::shared_ptr<const Policies> policies,
                             std::shared_ptr<Counters> counters)
    : directory_(directory),
      id_(next_id.fetch_add(1)),
      store_(std::move(store)),
      database_(std::move(database)),
      server_(target->name()),
      policies_(std::move(policies)),
      max_entry_(rules.max_entry.bytes),
      freshness_(rules.staleness),
      counters_(std::move(counters)),
      stream_(std::move(target), database_, backend::StreamWish::of(rules), freshness_) {}

const cache::Catalog* DatabaseCache::recent_catalog() const {
  struct Known {
    std::uint64_t cache = 0;
    std::uint64_t number = 0;
    std::shared_ptr<const cache::Catalog> catalog;
  };
  thread_local Known known;
  if (!freshness_.catalog_is_recent(Clock::now())) return nullptr;
  if (known.cache != id_ || known.number != freshness_.catalog_number()) {
    auto [catalog, number] = freshness_.catalog();
    known = {id_, number, std::move(catalog)};
  }
  return known.catalog.get();
}

void DatabaseCache::remove_dead(const cache::Entry& entry) {
  if (entry.is_ended_by_write()) counters_->stale.fetch_add(1, std::memory_order_relaxed);
  store_->remove(entry);
}

std::shared_ptr<const StatementPlan> DatabaseCache::plan_of(std::string_view text) const {
  return plan_of(text, sql::scan(text).fingerprint);
}

std::shared_ptr<const StatementPlan> DatabaseCache::plan_of(const ReadRequest& request) const {
  return plan_of(request.text, fingerprint_of(request));
}

std::shared_ptr<const StatementPlan> DatabaseCache::plan_of(std::string_view text,
                                                            const sql::Fingerprint& fingerprint) const {
  thread_local Plans plans;
  const PlanName name{id_, fingerprint};
  const auto known = plans.find(name);
  if (known != plans.end() && known->second->catalog == freshness_.catalog_number()) return known->second;
  const auto [catalog, number] = freshness_.catalog();
  if (catalog == nullptr) return nullptr;
  if (plans.size() >= kMaxPlans) plans.clear();
  return plans[name] = StatementPlan::make(text, name.text, *catalog, number);
}

}  // namespace forebay::engine
