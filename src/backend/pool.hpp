#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.hpp"
#include "backend/quota.hpp"
#include "backend/target.hpp"
#include "backend/traffic.hpp"
#include "base/intrusive_list.hpp"
#include "config/settings.hpp"
#include "net/loop.hpp"

namespace forebay::backend {

class PoolDirectory;

/// What a new client is told of its session.
struct Greeting {
  std::vector<wire::Parameter> parameters;  ///< ParameterStatus
  std::uint32_t process_id = 0;
};

struct WaitingTag;

/// Somebody who wants a backend. Taking itself out when it dies, it is never given one that nobody returns.
class Borrower : public ListHook<WaitingTag> {
 public:
  /// May be called from inside Pool::checkout, or later.
  virtual void on_checkout(Backend& backend) = 0;
  /// The server refused (its ErrorResponse is in `refusal`), or no backend came free in time.
  virtual void on_checkout_failed(const Login::Refusal& refusal) = 0;
  /// What would serve best; only the profile is a must.
  virtual const ProfilePtr& wanted_profile() const = 0;
  virtual const SessionSettingsPtr& wanted_settings() const = 0;
  /// Only a backend on which nobody has run anything will do.
  virtual bool wants_fresh() const { return false; }
  Backend* home() const { return home_; }
  /// PoolDirectory::defaults_generation() of the defaults that its session has: those of the backend that it
  /// was lent last. One with older defaults is lent to it no more. 0: it does not matter.
  std::uint64_t defaults_generation() const { return defaults_generation_; }

 protected:
  /// `is_client`: what it waits for and gets is counted; what Forebay asks by itself is not.
  explicit Borrower(bool is_client) : is_client_(is_client) {}
  ~Borrower() = default;
  void set_defaults_generation(std::uint64_t generation) { defaults_generation_ = generation; }
  /// What it is about to ask for it has waited for elsewhere since then: timeouts.wait counts from there.
  void has_waited_since(TimePoint then) { patient_since_ = then; }

 private:
  friend class Pool;
  Backend* home_ = nullptr;
  const bool is_client_;
  std::uint16_t thread_ = 0;
  std::uint64_t defaults_generation_ = 0;
  TimePoint waiting_since_{};
  TimePoint patient_since_{};  ///< nothing: as waiting_since_
};

struct HeldTag;

/// Somebody who keeps a backend because its session holds something that cannot be carried, and could look
/// again.
class Holder : public ListHook<HeldTag> {
 public:
  /// Find out whether the state is gone, and if so give the backend back: because others wait (`urgent`), or
  /// as a regular reminder.
  virtual void on_release_wanted(bool urgent) = 0;

 protected:
  ~Holder() = default;
};

/// What makes a pool: whose, of what database as clients name it, and where.
struct PoolKey {
  std::string user;
  std::string database;
  std::string server;  ///< the name of one that is asked for reads only; empty: the primary, wherever that is
  /// Set when it is for nobody but us, who look roles up: the entry of `databases` whose own upstream it is
  /// on, empty for the main one. What clients mean by the name of the database is another, then.
  std::optional<std::string> roles_of = std::nullopt;

  /// The name of the entry whose limits and pauses it has; empty: what holds for all.
  const std::string& entry() const { return roles_of ? *roles_of : database; }
  auto operator<=>(const PoolKey&) const = default;
};

/// The limits and times of one pool, resolved from the configuration.
struct PoolRules {
  config::PoolMode mode = config::PoolMode::transaction;
  bool has_replicas = false;        ///< other servers have the same database
  bool reads_from_primary = false;  ///< but the user's reads do not go there
  std::uint32_t size = 20;
  std::uint32_t overflow = 0;
  std::uint32_t reserve = 0;
  std::uint32_t min_size = 0;
  std::uint32_t max_prepared_statements = 1000;
  Duration wait{0};
  Duration reserve_after{0};
  Duration recycle{0};
  Duration test_after{0};
  Duration connect{0};
  Duration backend_idle{0};
  Duration command{0};
  std::vector<wire::Parameter>
      session_defaults;  ///< statement_timeout and alike, put into the start-up packet
};

using PoolRulesPtr = std::shared_ptr<const PoolRules>;

/// Counters of one pool on one thread: written by that thread, read by any.
struct PoolCounters {
  std::atomic<std::uint64_t> transactions = 0;
  std::atomic<std::uint64_t> queries = 0;
  std::atomic<std::uint64_t> cached_queries = 0;  ///< of those, answered from memory alone
  std::atomic<std::uint64_t> bytes_received = 0;  ///< from clients
  std::atomic<std::uint64_t> bytes_sent = 0;      ///< to clients
  std::atomic<std::uint64_t> transaction_micros = 0;
  std::atomic<std::uint64_t> query_micros = 0;
  std::atomic<std::uint64_t> wait_micros = 0;
  std::atomic<std::uint64_t> assignments = 0;
  std::atomic<std::uint64_t> failed_checkouts = 0;
  std::atomic<std::uint64_t> client_parses = 0;
  std::atomic<std::uint64_t> server_parses = 0;
  std::atomic<std::uint64_t> binds = 0;
  // As in Traffic, on the primary's pool.
  std::atomic<std::uint64_t> replica_reads = 0;
  std::atomic<std::uint64_t> primary_reads_chosen = 0;
  std::atomic<std::uint64_t> primary_reads_wanted = 0;
  std::atomic<std::uint64_t> primary_reads_kept = 0;
  std::atomic<std::uint64_t> primary_reads_behind = 0;
  std::atomic<std::uint64_t> primary_reads_failed = 0;
  std::atomic<std::uint64_t> reads_asked_again = 0;
  std::atomic<std::uint32_t> clients = 0;

  /// Adds without a locked instruction; only the owning thread may.
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
};

/// The backends of one user and database on one server: on the primary, wherever it moves to, or on one that
/// may be a replica. Every thread has a shard: its own idle backends, lent
/// and given back without a lock. Limits and the queue of waiters are global: a lock is taken only when
/// nothing is idle here, or somebody waits.
///
/// Files: pool.cpp lends and takes back, pool_waiters.cpp is the queue and what is opened for it.
/// Lives in a shared_ptr. Lock order: a pool's mutex is taken alone; nothing is called while it is held.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  /// `origin`: for a server that is asked for reads only, the pool on the primary, whose credentials count.
  Pool(PoolDirectory& directory, PoolKey key, std::shared_ptr<const Target> target, PoolRulesPtr rules,
       Quotas& of_user, Quotas& of_database, std::weak_ptr<const Pool> origin = {});
  ~Pool();

  const PoolKey& key() const { return key_; }
  const std::string& user() const { return key_.user; }
  const std::string& database() const { return key_.database; }  ///< as clients name it
  /// Whether it is asked for reads only.
  bool is_for_reads() const { return !key_.server.empty(); }
  /// Whether it is on another server than clients' pool of that user and database.
  bool is_apart() const { return is_for_reads() || key_.roles_of.has_value(); }
  PoolDirectory& directory() const { return directory_; }
  std::string describe() const;

  // --- clients; by any thread
  /// Counts one in against its user and its database until `permits` go, which the pool must outlive. On
  /// error there are too many.
  Result<void> admit(std::array<Permit, 2>& permits);

  // --- borrowing; by the borrower's thread
  /// Lends an idle backend at once, or queues `borrower` and opens one where the limits allow.
  void checkout(Borrower& borrower);
  /// Takes a waiting borrower out.
  void cancel_checkout(Borrower& borrower);
  /// Takes back a backend whose session is as its settings say. Closes it when it is old, unwanted or
  /// superfluous.
  void give_back(Backend& backend);
  /// For a backend whose state is in doubt.
  void discard(Backend& backend);
  void add_holder(Holder& holder);

  /// A backend of `profile` whose greeting a new client may be given: one that nobody lives in, or, when the
  /// pool has reached its size, any. Null when one should be opened.
  Backend* find_lodging(const ProfilePtr& profile);
  /// For when that finds none: what the last backend of `profile` on any thread was told when it was opened,
  /// if the pool has reached its size. A login need not wait for a backend then.
  std::optional<Greeting> known_greeting(const ProfilePtr& profile) const;
  /// Makes `borrower` the resident of `backend`, unless somebody lives there.
  void move_in(Borrower& borrower, Backend& backend);
  void move_out(Borrower& borrower);

  // --- credentials of the user, for backends yet to be opened
  void set_credentials(Credentials credentials);
  /// Where a pool that is asked for reads only has them from.
  void set_origin(std::weak_ptr<const Pool> origin);

  // --- called by backends
  void on_opened(Backend& backend);
  void on_open_failed(Backend& backend, const Login::Refusal& refusal);
  void on_lost(Backend& backend);
  void remember_greeting(const Backend& backend);
  /// Whether `backend` is still one of this thread's, and the same that was opened then.
  bool owns(const Backend& backend, TimePoint opened_at) const;

  // --- administration
  std::shared_ptr<const Target> target() const;
  /// This thread's copy; valid until the loop's next round.
  const PoolRules& rules() const;
  void configure(std::shared_ptr<const Target> target, PoolRulesPtr rules);
  void set_target(std::shared_ptr<const Target> target);
  void pause() { paused_.store(true); }
  /// It is paused, or goes on being so, because nobody knows which server is the primary. Whoever waits then
  /// waits no longer than for a backend otherwise; a pause that somebody asked for has no limit.
  void set_held(bool held) { held_.store(held); }
  /// Serves those who wait; the pause does not count as time that they waited.
  void resume();
  bool is_paused() const { return paused_.load(std::memory_order_relaxed); }
  /// Backends opened before are closed when they come back, idle ones at once.
  void reconnect();
  /// As reconnect(), and those that are lent are taken from whoever has them, whatever they do there. Who
  /// waits for one of a server that is asked for reads only waits no longer.
  void sever(const std::string& why);
  std::uint64_t generation() const { return generation_.load(std::memory_order_relaxed); }
  /// PoolDirectory::defaults_generation().
  std::uint64_t defaults_generation() const;
  /// Backends opened before `generation` of the defaults are of another role that had the user's name.
  void set_role_since(std::uint64_t generation) { role_since_.store(generation); }

  /// Timed work of one thread: deadlines of waiters and of connects, old and idle backends. Every few tens of
  /// ms.
  void sweep(TimePoint now);
  /// Closes this thread's idle backends; `only` of that quota when not null, at most `limit`. Returns how
  /// many.
  std::size_t close_idle(const Quota* only = nullptr, std::size_t limit = SIZE_MAX);
  /// A statement that nobody may be connected for is about to run: closes idle backends of that database,
  /// unless clients of ours use it (then the server is right to refuse).
  void clear_idle_of_database(const std::string& database);
  /// Serves waiters as far as possible; by any thread of the directory's.
  void serve();

  std::uint32_t open_backends() const { return size_.used(); }
  /// The limit: size, overflow and reserve together.
  std::uint32_t most_backends() const { return size_.limit(); }
  std::uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  Duration longest_wait(TimePoint now) const;
  PoolCounters& counters();
  /// The counters of all threads; by any thread.
  Traffic traffic() const;

  /// This thread's backends.
  std::vector<const Backend*> backends_here() const;
  /// Clients that use the pool, on all threads.
  std::uint32_t clients() const;

 private:
  struct Shard;
  struct KnownGreeting {
    ProfilePtr profile;
    Greeting greeting;
    std::uint64_t generation;
    std::uint64_t defaults_generation;
  };

  Shard& shard();
  const Shard& shard() const;
  Backend* take_idle(const Borrower& borrower);
  void lend(Backend& backend, Borrower& borrower);
  void enqueue(Borrower& borrower);
  void dequeue(Borrower& borrower);
  void count_wait(const Borrower& borrower);
  void count_failed_wait(const Borrower& borrower);
  void fail(Borrower& borrower, const Login::Refusal& refusal);
  void serve_asking(std::uint16_t first_thread);
  bool try_serve_front(std::uint16_t first_thread);
  bool ask_threads(std::uint16_t first, const ProfilePtr& profile);
  bool try_open(const ProfilePtr& profile, Duration waited);
  bool close_idle_misfit(const Borrower& borrower);
  Backend* find_spare(const ProfilePtr& profile);
  void want_release(bool urgent);
  template <class Predicate>
  std::vector<Borrower*> dequeue_here(Predicate predicate);
  void fail_waiters(const std::string& why);
  void fail_those_without_role();
  void fail_waiter(const ProfilePtr& profile, const Login::Refusal& refusal);
  std::string why_server_is_away() const;
  void expire_waiters(TimePoint now, const PoolRules& rules);
  std::vector<wire::Parameter> startup_parameters(const Profile& profile, const PoolRules& rules,
                                                  const Target& target) const;
  void put_idle(Backend& backend);
  void sever_here(const std::string& why);
  Credentials credentials() const;
  bool is_outdated(const Backend& backend, TimePoint now) const;
  bool suits(const Backend& backend, const Borrower& borrower) const;
  void unlink_idle(Backend& backend);
  void part(Backend& backend);
  bool may_grow() const;
  bool has_lost_role(const Borrower& borrower) const;
  void make_room_for_front();
  bool has_patient_waiter(const ProfilePtr& profile, TimePoint now) const;
  void destroy(Backend& backend);
  void move_to_thread(Backend& backend, std::uint16_t thread);

  // constant after construction
  PoolDirectory& directory_;
  const PoolKey key_;
  Quotas& of_user_;
  Quotas& of_database_;
  std::vector<std::unique_ptr<Shard>> shards_;

  // own synchronisation
  Quota size_;
  std::atomic<std::uint32_t> waiting_ = 0;
  std::atomic<std::uint32_t> opening_ = 0;
  std::atomic<std::uint64_t> generation_ = 0;
  std::atomic<std::uint64_t> role_since_ = 0;
  std::atomic<bool> paused_ = false;
  std::atomic<bool> held_ = false;
  std::atomic<TimePoint> full_until_{
      TimePoint::min()};  ///< the server had no connection left for another backend
  std::atomic<TimePoint> resumed_at_{TimePoint::min()};

  mutable std::mutex mutex_;
  IntrusiveList<Borrower, WaitingTag> waiters_;  ///< guarded by mutex_, first come first served
  Credentials credentials_;                      ///< guarded by mutex_
  std::weak_ptr<const Pool> origin_;             ///< guarded by mutex_
  std::shared_ptr<const Target> target_;         ///< guarded by mutex_
  std::vector<KnownGreeting> greetings_;         ///< guarded by mutex_, oldest first
};

}  // namespace forebay::backend
