#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "backend/pool.hpp"
#include "backend/server_log.hpp"
#include "config/settings.hpp"
#include "net/loop.hpp"

namespace forebay::backend {

/// All pools of the process, the quotas that they share, and the threads that they live on.
/// Thread safe; takes a lock, so it is used at login, by the console and by timers, not per query.
class PoolDirectory {
 public:
  /// `loops` outlive the directory and must run before the first pool is used.
  PoolDirectory(std::vector<net::Loop*> loops, config::SettingsPtr settings);
  ~PoolDirectory();

  /// Takes a configuration over: resolves servers, adapts limits of existing pools. On error nothing is changed.
  Result<void> configure(config::SettingsPtr settings);
  config::SettingsPtr settings() const;

  /// The pool for a client's user and database, made when it is not there yet. Fails when the server is unknown.
  Result<std::shared_ptr<Pool>> find_or_create(const std::string& user, const std::string& database);
  /// The mode that a pool of `user` and `database` would have.
  PoolRules rules_for(const config::Settings& settings, const std::string& user, const std::string& database) const;

  std::vector<std::shared_ptr<Pool>> all() const;
  /// Pools of one database; of all databases when it is empty.
  std::vector<std::shared_ptr<Pool>> of_database(const std::string& database) const;
  /// Forgets pools that no client uses and that have no backend.
  void forget_unused();

  std::size_t threads() const { return loops_.size(); }
  net::Loop& loop(std::size_t thread) { return *loops_[thread]; }
  /// Index of the calling thread; it must run one of the loops.
  std::uint16_t this_thread() const;
  void on_each_thread(const std::function<void()>& task);

  /// A permit of a quota came free, or one is wanted: pools with waiters look again.
  void serve_waiters();
  /// Asks every thread to close one idle backend that counts against `quota`.
  void free_one_of(const Quota& quota);

  ServerLog& server_log() { return server_log_; }

  Quota& user_quota(const std::string& user);
  Quota& database_quota(const std::string& database);

 private:
  Result<std::shared_ptr<const Target>> target_for(const config::Settings& settings, const std::string& database);
  void set_quota_limits(const config::Settings& settings);

  const std::vector<net::Loop*> loops_;
  ServerLog server_log_;

  mutable std::mutex mutex_;
  config::SettingsPtr settings_;                                                  ///< guarded by mutex_
  std::map<std::string, std::unique_ptr<Quota>> user_quotas_;                     ///< guarded by mutex_
  std::map<std::string, std::unique_ptr<Quota>> database_quotas_;                 ///< guarded by mutex_
  /// Guarded by mutex_. After the quotas, because backends give their permits back when they are destroyed.
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Pool>> pools_;
  std::map<std::string, std::shared_ptr<const Target>> targets_;                  ///< guarded by mutex_; by database entry
};

}  // namespace forebay::backend
