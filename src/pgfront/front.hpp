#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "backend/pool_directory.hpp"
#include "base/clock.hpp"
#include "config/settings.hpp"
#include "engine/cache_directory.hpp"
#include "net/loop.hpp"
#include "net/tls.hpp"
#include "pgfront/active_alerts.hpp"
#include "wire/error_message.hpp"
#include "wire/scram.hpp"
#include "wire/secret.hpp"
#include "wire/startup.hpp"

namespace forebay::pgfront {

class ConsoleService;
class Worker;

/// What those are told who come while the process ends.
inline constexpr const char* kShuttingDown = "the pooler is shutting down";

/// What those are told whom an administrator, or the end of the process, sends away.
wire::ErrorMessage administrator_command();

/// What all threads of the PostgreSQL front share. Thread safe.
class Front {
 public:
  using Reload = std::function<Result<config::SettingsPtr>()>;

  /// `loops` outlive the front.
  Front(std::vector<net::Loop*> loops, Reload reload);
  ~Front();

  /// Takes a configuration into use, at start and at every reload. On error nothing changes.
  Result<void> configure(config::SettingsPtr settings);
  /// Reads the configuration again and takes it into use, but for what only a restart can change: that keeps
  /// its running values. Returns the keys of what waits for a restart. Blocks on the file system and on name
  /// resolution.
  Result<std::vector<std::string>> reload();

  config::SettingsPtr settings() const { return directory_.settings(); }
  backend::PoolDirectory& directory() { return directory_; }
  engine::CacheDirectory& caches() { return caches_; }
  ConsoleService& console_service() { return *console_service_; }
  ActiveAlerts& alerts() { return alerts_; }
  std::shared_ptr<const net::TlsContext> tls() const;
  std::shared_ptr<const wire::SecretList> user_list() const;
  /// Makes mock SCRAM salts that stay the same while the process lives.
  const wire::ScramKey& scram_secret() const { return scram_secret_; }

  /// Sets who else is told of every cancel request: the process that this one took over from, whose clients
  /// it cannot know. Called before the loops run; `forward` is called on any of their threads.
  void forward_cancels(std::function<void(const wire::CancelKey&)> forward) {
    forward_cancel_ = std::move(forward);
  }
  void forward_cancel(const wire::CancelKey& key) const {
    if (forward_cancel_) forward_cancel_(key);
  }

  /// Sets how the process lets go of its listening sockets. Called before the loops run; `close` is called on
  /// the first loop's thread.
  void set_close_listeners(std::function<void()> close) { close_listeners_ = std::move(close); }
  /// Lets nobody in any more. Follow it with Worker::stop_listening or shut_down().
  void close_listeners();

  void add_worker(Worker& worker);
  const std::vector<Worker*>& workers() const { return workers_; }

  /// Counts a client in, unless there are too many. Every success is matched by leave().
  bool try_enter();
  void leave() { clients_.fetch_sub(1); }
  void note_refused_login() { refused_logins_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t refused_logins() const { return refused_logins_.load(std::memory_order_relaxed); }
  std::uint32_t clients() const { return clients_.load(std::memory_order_relaxed); }

  /// Takes no new sessions, lets transactions finish for up to `patience`, and stops the loops.
  void shut_down(Duration patience);
  /// Likewise, for up to the configured time.
  void shut_down_in_order();
  bool is_draining() const { return draining_.load(std::memory_order_relaxed); }
  /// Whoever is not logged in yet comes too late.
  bool is_closed() const { return closed_.load(std::memory_order_relaxed); }
  TimePoint started_at() const { return started_at_; }

 private:
  const TimePoint started_at_ = Clock::now();
  const Reload reload_;
  wire::ScramKey scram_secret_;
  engine::CacheDirectory caches_;
  backend::PoolDirectory directory_;
  ActiveAlerts alerts_;
  std::vector<Worker*> workers_;  ///< complete before the loops run
  std::function<void(const wire::CancelKey&)> forward_cancel_;
  std::function<void()> close_listeners_;
  std::atomic<std::uint32_t> clients_ = 0;
  std::atomic<std::uint64_t> refused_logins_ = 0;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> closed_ = false;

  std::mutex configuring_;  ///< taken before any other: one configuration after another

  mutable std::mutex mutex_;
  std::shared_ptr<const net::TlsContext> tls_;         ///< guarded by mutex_
  std::shared_ptr<const wire::SecretList> user_list_;  ///< guarded by mutex_

  std::unique_ptr<ConsoleService> console_service_;  ///< last: its thread uses all the others
};

}  // namespace forebay::pgfront
