#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "backend/pool.hpp"
#include "base/clock.hpp"
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
  /// used for the first time. When other results are to be kept, or otherwise, all that are there are
  /// forgotten.
  void configure(const config::SettingsPtr& settings);

  /// The cache for clients of `pool`, begun when it is not there yet; null when the cache is off.
  std::shared_ptr<DatabaseCache> find_or_create(const backend::Pool& pool);
  /// As above; null also when it is not there.
  std::shared_ptr<DatabaseCache> find(const backend::Pool& pool) const;

  /// The database of this name, on whatever server, is about to be dropped or copied: no connection of ours
  /// is to stand in the way. Returns when there is none, within a second or so.
  void let_go(const std::string& database);
  /// Ends what no client has used for a while. To be called every second or so.
  void forget_unused(TimePoint now);

  std::vector<std::shared_ptr<DatabaseCache>> all() const;
  /// What all have come to since the start, those that have ended among them.
  struct Totals {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t saved_micros = 0;
  };
  Totals totals() const;
  cache::Store& store() { return *store_; }

 private:
  struct Place {
    std::shared_ptr<DatabaseCache> cache;
    TimePoint unused_since{};  ///< when it has no client
  };

  static bool is_unused(Place& place, TimePoint now);
  void end(std::shared_ptr<DatabaseCache> cache);

  const std::shared_ptr<cache::Store> store_;

  mutable std::mutex mutex_;
  config::SettingsPtr settings_;              ///< guarded by mutex_
  std::shared_ptr<const Policies> policies_;  ///< guarded by mutex_
  std::map<std::string, Place> by_name_;      ///< guarded by mutex_; by server and name
  /// Guarded by mutex_. Their threads have been told to end.
  std::vector<std::shared_ptr<DatabaseCache>> ending_;
  /// Guarded by mutex_. By server and database, of all that there have been: one that is used again goes on,
  /// and one whose server has moved to another address does.
  std::map<std::pair<std::string, std::string>, std::shared_ptr<DatabaseCache::Counters>> counters_;
};

}  // namespace forebay::engine
