#include "engine/cache_directory.hpp"

#include <fmt/format.h>

namespace forebay::engine {

namespace {

bool same_policies(const config::Settings& a, const config::Settings& b) {
  return a.policies == b.policies && a.cache.lifetime == b.cache.lifetime &&
         a.cache.min_cost == b.cache.min_cost && a.cache.strategy == b.cache.strategy;
}

/// A database that nobody is connected to keeps its change stream for so long.
constexpr Duration kUnused{10'000};

/// Its name on the server. A view into one of the two.
const std::string& database_of(const backend::Pool& pool, const backend::Target& target) {
  const std::string& fixed = target.upstream().database;
  return fixed.empty() ? pool.database() : fixed;
}

std::string name_of(const backend::Target& target, const std::string& database) {
  return fmt::format("{}/{}", target.place(), database);
}

}  // namespace

CacheDirectory::CacheDirectory()
    : store_(std::make_shared<cache::Store>(config::Cache().size.bytes)),
      settings_(std::make_shared<config::Settings>()),
      policies_(std::make_shared<Policies>(*settings_)) {}

void CacheDirectory::configure(const config::SettingsPtr& settings) {
  const std::lock_guard lock(mutex_);
  const bool same = same_policies(*settings_, *settings);
  settings_ = settings;
  store_->set_capacity(settings_->cache.size.bytes);
  if (same) return;
  policies_ = std::make_shared<Policies>(*settings_);
  for (auto& [name, place] : by_name_) place.cache->set_policies(policies_);
  store_->clear();
}

std::shared_ptr<DatabaseCache> CacheDirectory::find_or_create(const backend::Pool& pool) {
  const auto target = pool.target();
  const std::string& database = database_of(pool, *target);
  const std::lock_guard lock(mutex_);
  const auto use = settings_->cache.enabled;
  const bool is_possible = use == config::CacheUse::on || !target->upstream().user.empty();
  if (use == config::CacheUse::off || !is_possible) return nullptr;
  const std::string name = name_of(*target, database);
  Place& place = by_name_[name];
  if (place.cache == nullptr) {
    auto& counters = counters_[{target->name(), database}];
    if (counters == nullptr) counters = std::make_shared<DatabaseCache::Counters>();
    place.cache = std::make_shared<DatabaseCache>(*this, store_, target, database, settings_->cache,
                                                  policies_, counters);
  }
  place.unused_since = {};
  return place.cache;
}

std::shared_ptr<DatabaseCache> CacheDirectory::find(const backend::Pool& pool) const {
  const auto target = pool.target();
  const std::lock_guard lock(mutex_);
  const auto place = by_name_.find(name_of(*target, database_of(pool, *target)));
  return place == by_name_.end() ? nullptr : place->second.cache;
}

void CacheDirectory::let_go(const std::string& database) {
  for (const auto& cache : all()) {
    if (cache->database() == database) cache->let_go();
  }
}

void CacheDirectory::forget_unused(TimePoint now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(ending_, [](const auto& cache) { return cache->has_ended(); });
  for (auto at = by_name_.begin(); at != by_name_.end();) {
    if (is_unused(at->second, now)) {
      end(std::move(at->second.cache));
      at = by_name_.erase(at);
    } else {
      ++at;
    }
  }
}

bool CacheDirectory::is_unused(Place& place, TimePoint now) {
  if (place.cache.use_count() > 1) {
    place.unused_since = {};
    return false;
  }
  if (place.unused_since == TimePoint()) place.unused_since = now;
  return now - place.unused_since >= kUnused;
}

void CacheDirectory::end(std::shared_ptr<DatabaseCache> cache) {
  const cache::Freshness* freshness = &cache->freshness();
  store_->clear([freshness](const cache::Entry& entry) { return &entry.freshness() == freshness; });
  cache->request_stop();
  ending_.push_back(std::move(cache));
}

CacheDirectory::Totals CacheDirectory::totals() const {
  const std::lock_guard lock(mutex_);
  Totals sum;
  for (const auto& [name, counters] : counters_) {
    sum.hits += counters->hits;
    sum.misses += counters->misses;
    sum.saved_micros += counters->saved_micros;
  }
  return sum;
}

std::vector<std::shared_ptr<DatabaseCache>> CacheDirectory::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<DatabaseCache>> caches;
  caches.reserve(by_name_.size());
  for (const auto& [name, place] : by_name_) caches.push_back(place.cache);
  return caches;
}

}  // namespace forebay::engine
