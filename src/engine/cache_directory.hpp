#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/pool.hpp"
#include "cache/store.hpp"
#include "config/settings.hpp"
#include "engine/database_cache.hpp"

namespace forebay::engine {

/// The kept results of the process: one store, and for each database on each server what is known of its
/// freshness. Thread safe; takes a lock, so it is asked at login and by the console, not per query.
class CacheDirectory {
 public:
  CacheDirectory();

  /// Takes a configuration over. Whether there is a cache at all, and its bound, hold for databases that are
  /// used for the first time.
  void configure(const config::SettingsPtr& settings);

  /// The cache for clients of `pool`, begun when it is not there yet; null when the cache is off.
  std::shared_ptr<DatabaseCache> find_or_create(const backend::Pool& pool);

  std::vector<std::shared_ptr<DatabaseCache>> all() const;
  cache::Store& store() { return *store_; }

 private:
  const std::shared_ptr<cache::Store> store_;

  mutable std::mutex mutex_;
  config::Cache rules_;                                            ///< guarded by mutex_
  std::map<std::string, std::shared_ptr<DatabaseCache>> by_name_;  ///< guarded by mutex_; by server and name
};

}  // namespace forebay::engine
