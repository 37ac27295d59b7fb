#pragma once

#include <array>
#include <atomic>
#include <cstdint>
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
#include "backend/server_watch.hpp"
#include "backend/traffic.hpp"
#include "config/settings.hpp"
#include "net/loop.hpp"
#include "route/board.hpp"

namespace forebay::backend {

/// What is borrowed of one server.
struct ServerUse {
  std::uint64_t backends = 0;     ///< open
  std::uint64_t assignments = 0;  ///< backends lent to clients so far
};

/// How often a server was found to be something else than before, since the process began.
struct ServerHistory {
  std::array<std::uint64_t, route::kStates> states{};  ///< by the state that it came to
  std::array<std::uint64_t, route::kRoles> roles{};    ///< likewise
  std::uint64_t promotions = 0;                        ///< writes were sent there from then on
};

/// All pools of the process, the servers that they are on, the quotas that they share, and the threads that
/// they live on. Thread safe; takes a lock, so it is used at login, by the console and by timers, not per
/// query.
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
  /// The pool in which the upstream's user looks up the roles of that upstream: of the named entry of
  /// `databases` (config::upstream_entry), or of the main one. Its database is the one that the upstream
  /// names, or `postgres`; clients have the same pool where they mean the same by that name.
  Result<std::shared_ptr<Pool>> for_roles(const std::string& entry);
  /// Whether `server` is the one that `database` lives on now, or may come to after a failover.
  bool may_live_on(const std::string& database, const std::string& server) const;
  /// The pool of the same user and database on `server` of the topology, for reads only; made when it is not
  /// there yet. Null when there is no such server (any more).
  std::shared_ptr<Pool> for_reads(const std::shared_ptr<Pool>& pool, const std::string& server);
  /// What is known of the servers, when there are replicas.
  route::Board& board() { return board_; }
  /// Before the loops lose what was posted to them.
  void stop_watching() { watch_.reset(); }
  const route::Board& board() const { return board_; }
  /// The mode, limits and times that a pool has under `settings`.
  PoolRules rules_for(const config::Settings& settings, const PoolKey& key) const;

  std::vector<std::shared_ptr<Pool>> all() const;
  /// Pools of one database, that of look-ups on its own upstream included; of all databases when it is empty.
  std::vector<std::shared_ptr<Pool>> of_database(const std::string& database) const;
  /// Where each server of the main cluster is, by its name, as far as that is known.
  std::map<std::string, std::shared_ptr<const Target>> server_targets() const;
  /// What each database's pools have carried, those that are forgotten included.
  TrafficByDatabase traffic() const;
  /// By the names of servers.
  std::map<std::string, ServerUse> use_by_server() const;
  /// By the names of servers that are, or were, watched.
  std::map<std::string, ServerHistory> history_by_server() const;
  /// Whether nobody may write at present, for it is not known where.
  bool is_primary_held() const;

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

  /// Goes up, from 1, when sessions that begin from now on have other defaults (ALTER ROLE … SET), or are of
  /// another role of that name. Backends remember theirs. Clients keep the ones that they live in, as
  /// PostgreSQL's sessions keep their defaults.
  std::uint64_t defaults_generation() const { return defaults_generation_.load(std::memory_order_relaxed); }
  void renew_defaults() { defaults_generation_.fetch_add(1); }
  /// Another role has the name `user` than before, where the roles of `entry` are (config::upstream_entry).
  void renew_role(const std::string& entry, const std::string& user);

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

  using Targets = std::map<std::string, std::shared_ptr<const Target>>;

  static Result<Targets> make_targets(const config::Settings& settings, const config::Upstream& primary);
  config::Upstream primary_upstream(const config::Settings& settings) const;
  /// From whom lent backends are taken when pools move: from nobody; where the server has another name now;
  /// from all on the cluster's primary.
  enum class Severs { nobody, elsewhere, all };
  void move_pools_locked(const config::Settings& settings, Severs severs);
  void watch_servers(const config::SettingsPtr& settings);
  void on_topology(const route::Topology& topology, const std::vector<route::RollCall::Change>& changes,
                   const ServerWatch::Targets& targets);
  void note_changes(const route::Topology& topology, const std::vector<route::RollCall::Change>& changes);
  bool holds_primary(const route::Topology& topology) const;
  void place_server(const std::string& server, const std::shared_ptr<const Target>& target);
  void sever(const route::Server& server, bool is_for_reads);
  void lead(const std::string& server, bool is_promoted);
  void move_primary(const std::string& server, Severs severs);
  std::string primary_locked() const;
  static bool is_on_cluster(const config::Settings& settings, const std::string& database);
  static bool is_on_cluster(const config::Settings& settings, const PoolKey& key);
  void hold_primary(bool holds);
  void hold_primary_locked(bool holds);
  bool is_led() const;
  Result<std::shared_ptr<const Target>> target_for(const config::Settings& settings,
                                                   const std::string& database) const;
  Result<std::shared_ptr<const Target>> target_for(const config::Settings& settings,
                                                   const PoolKey& key) const;
  Result<std::shared_ptr<Pool>> find_or_create_locked(const PoolKey& key,
                                                      const std::shared_ptr<Pool>& origin = nullptr);
  void set_quota_limits(const config::Settings& settings);
  static Quotas& find_or_add(QuotasByName& quotas, const std::string& name);
  bool is_paused_locked(const std::string& database) const;
  bool is_paused_locked(const PoolKey& key) const;
  bool is_held_locked(const PoolKey& key) const;
  std::pair<std::string, std::string> role_locked(const PoolKey& key) const;
  std::uint64_t unbooked_assignments_locked(const Pool& pool) const;
  void book_assignments_locked(const Pool& pool);
  void restrain(const PoolKey& key, Pool& pool) const;

  const std::vector<net::Loop*> loops_;
  ServerLog server_log_;

  std::atomic<std::uint64_t> defaults_generation_ = 1;

  mutable std::mutex mutex_;
  /// Guarded by mutex_. See Pool::set_role_since(); by entry and user.
  std::map<std::pair<std::string, std::string>, std::uint64_t> roles_since_;
  config::SettingsPtr settings_;         ///< guarded by mutex_
  bool all_paused_ = false;              ///< guarded by mutex_
  std::set<std::string> paused_;         ///< guarded by mutex_
  std::set<std::string> disabled_;       ///< guarded by mutex_
  TrafficByDatabase forgotten_traffic_;  ///< guarded by mutex_
  /// Guarded by mutex_. By server: what pools have lent that are gone, or on another server by now.
  std::map<std::string, std::uint64_t> past_assignments_;
  /// Guarded by mutex_. What is counted there of pools that are left.
  std::map<const Pool*, std::uint64_t> booked_assignments_;
  struct Past {
    ServerHistory history;
    route::Role role = route::Role::unknown;  ///< at the last change
  };
  std::map<std::string, Past> pasts_;  ///< guarded by mutex_; by server
  QuotasByName user_quotas_;           ///< guarded by mutex_
  QuotasByName database_quotas_;       ///< guarded by mutex_
  /// Guarded by mutex_. After the quotas, because backends give their permits back when they are destroyed.
  std::map<PoolKey, std::shared_ptr<Pool>> pools_;
  Targets targets_;         ///< guarded by mutex_; by database entry
  Targets server_targets_;  ///< guarded by mutex_; of servers whose names have been looked up, by these
  std::string primary_;     ///< guarded by mutex_; name of the server that is it; empty: none was found
  /// Guarded by mutex_. What the servers say of themselves decides what they are used for: there are several,
  /// or there were, and the one that is left may be a former primary.
  bool is_led_ = false;
  bool is_primary_held_ = false;  ///< guarded by mutex_; nobody may write, for it is not known where

  std::mutex configuring_;              ///< taken before any other: one change of targets after another
  std::uint64_t watch_generation_ = 0;  ///< of configure() alone
  route::Board board_;
  std::unique_ptr<ServerWatch> watch_;  ///< last: its thread uses all the others
};

}  // namespace forebay::backend
