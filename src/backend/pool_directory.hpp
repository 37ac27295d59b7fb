#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backend/pool.hpp"
#include "backend/server_log.hpp"
#include "backend/traffic.hpp"
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

  /// Takes a configuration over: resolves servers, adapts limits of existing pools. On error nothing is
  /// changed.
  Result<void> configure(config::SettingsPtr settings);
  config::SettingsPtr settings() const;

  /// The pool for a client's user and database, made when it is not there yet. Fails when the server is
  /// unknown.
  Result<std::shared_ptr<Pool>> find_or_create(const std::string& user, const std::string& database);
  /// The mode, limits and times that a pool of `user` and `database` has under `settings`.
  PoolRules rules_for(const config::Settings& settings, const std::string& user,
                      const std::string& database) const;

  std::vector<std::shared_ptr<Pool>> all() const;
  /// Pools of one database; of all databases when it is empty.
  std::vector<std::shared_ptr<Pool>> of_database(const std::string& database) const;
  /// What each database's pools have carried, those that are forgotten included.
  TrafficByDatabase traffic() const;

  // --- administration of a database, whether it has pools or not
  /// Lends no backends until resume(); of all databases when the name is empty.
  void pause(const std::string& database);
  /// Ends the pause of a database; every pause when the name is empty. False when there is none that could be
  /// ended.
  bool resume(const std::string& database);
  /// By name or together with all others; with an empty name, whether all are paused together.
  bool is_paused(const std::string& database) const;
  /// Takes no new clients while disabled.
  void set_disabled(const std::string& database, bool disabled);
  bool is_disabled(const std::string& database) const;
  /// Those that are paused by name or disabled.
  std::set<std::string> restricted_databases() const;

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

 private:
  /// Each stays where it is as long as there is a pool of that name.
  using QuotasByName = std::map<std::string, std::unique_ptr<Quotas>>;

  Result<std::shared_ptr<const Target>> target_for(const config::Settings& settings,
                                                   const std::string& database);
  void set_quota_limits(const config::Settings& settings);
  static Quotas& find_or_add(QuotasByName& quotas, const std::string& name);
  bool is_paused_locked(const std::string& database) const;

  const std::vector<net::Loop*> loops_;
  ServerLog server_log_;

  mutable std::mutex mutex_;
  config::SettingsPtr settings_;         ///< guarded by mutex_
  bool all_paused_ = false;              ///< guarded by mutex_
  std::set<std::string> paused_;         ///< guarded by mutex_
  std::set<std::string> disabled_;       ///< guarded by mutex_
  TrafficByDatabase forgotten_traffic_;  ///< guarded by mutex_
  QuotasByName user_quotas_;             ///< guarded by mutex_
  QuotasByName database_quotas_;         ///< guarded by mutex_
  /// Guarded by mutex_. After the quotas, because backends give their permits back when they are destroyed.
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Pool>> pools_;
  std::map<std::string, std::shared_ptr<const Target>> targets_;  ///< guarded by mutex_; by database entry
};

}  // namespace forebay::backend
