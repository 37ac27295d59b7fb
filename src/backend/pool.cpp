#include "backend/pool.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "backend/pool_directory.hpp"
#include "backend/pool_shard.hpp"
#include "net/loop.hpp"

namespace forebay::backend {

namespace {

/// How long a backend beyond the pool's size stays when nobody needs it.
constexpr Duration kOverflowIdle{5'000};
/// Greetings that a pool remembers, each of another profile; strangers must not fill the memory.
constexpr std::size_t kMaxGreetings = 32;

}  // namespace

Pool::Pool(PoolDirectory& directory, PoolKey key, std::shared_ptr<const Target> target, PoolRulesPtr rules,
           Quotas& of_user, Quotas& of_database, std::weak_ptr<const Pool> origin)
    : directory_(directory),
      key_(std::move(key)),
      of_user_(of_user),
      of_database_(of_database),
      origin_(std::move(origin)),
      target_(std::move(target)) {
  size_.set_limit(rules->size + rules->overflow + rules->reserve);
  for (std::size_t i = 0; i < directory.threads(); ++i) {
    shards_.push_back(std::make_unique<Shard>());
    shards_.back()->rules = rules;
  }
}

Pool::~Pool() = default;

std::string Pool::describe() const {
  return fmt::format("user \"{}\", database \"{}\", server {}", user(), database(), target()->name());
}

Pool::Shard& Pool::shard() {
  return *shards_[directory_.this_thread()];
}

const Pool::Shard& Pool::shard() const {
  return *shards_[directory_.this_thread()];
}

PoolCounters& Pool::counters() {
  return shard().counters;
}

Traffic Pool::traffic() const {
  Traffic sum;
  for (const auto& part : shards_) {
    const auto read = [](const std::atomic<std::uint64_t>& counter) {
      return counter.load(std::memory_order_relaxed);
    };
    const PoolCounters& from = part->counters;
    sum += {.assignments = read(from.assignments),
            .failed_checkouts = read(from.failed_checkouts),
            .transactions = read(from.transactions),
            .queries = read(from.queries),
            .cached_queries = read(from.cached_queries),
            .bytes_received = read(from.bytes_received),
            .bytes_sent = read(from.bytes_sent),
            .transaction_micros = read(from.transaction_micros),
            .query_micros = read(from.query_micros),
            .wait_micros = read(from.wait_micros),
            .client_parses = read(from.client_parses),
            .server_parses = read(from.server_parses),
            .binds = read(from.binds),
            .replica_reads = read(from.replica_reads),
            .primary_reads_chosen = read(from.primary_reads_chosen),
            .primary_reads_wanted = read(from.primary_reads_wanted),
            .primary_reads_kept = read(from.primary_reads_kept),
            .primary_reads_behind = read(from.primary_reads_behind),
            .primary_reads_failed = read(from.primary_reads_failed),
            .reads_asked_again = read(from.reads_asked_again)};
  }
  return sum;
}

// --- clients
// ---------------------------------------------------------------------------------------------------

Result<void> Pool::admit(std::array<Permit, 2>& permits) {
  if (!of_user_.clients.try_acquire()) {
    return Error{ErrorCode::unavailable, fmt::format("too many connections for role \"{}\"", user())};
  }
  Permit of_user(of_user_.clients);
  if (!of_database_.clients.try_acquire()) {
    return Error{ErrorCode::unavailable, fmt::format("too many connections for database \"{}\"", database())};
  }
  permits = {std::move(of_user), Permit(of_database_.clients)};
  return {};
}

// --- borrowing
// ---------------------------------------------------------------------------------------------------

void Pool::checkout(Borrower& borrower) {
  borrower.thread_ = directory_.this_thread();
  borrower.waiting_since_ = net::Loop::current()->now();
  if (waiting_.load() == 0 && !is_paused()) {
    if (Backend* backend = take_idle(borrower)) {
      borrower.patient_since_ = {};
      return lend(*backend, borrower);
    }
  }
  if (borrower.patient_since_ == TimePoint()) borrower.patient_since_ = borrower.waiting_since_;
  enqueue(borrower);
  serve();
}

/// Whether another role has the name by now that the borrower logged in by.
bool Pool::has_lost_role(const Borrower& borrower) const {
  return borrower.defaults_generation_ != 0 &&
         borrower.defaults_generation_ < role_since_.load(std::memory_order_relaxed);
}

/// Whether `backend` may serve `borrower` as it is, or after its settings have been changed.
bool Pool::suits(const Backend& backend, const Borrower& borrower) const {
  if (backend.profile() != borrower.wanted_profile() || backend.has_cancel_in_flight()) return false;
  if (backend.defaults_generation() < borrower.defaults_generation_) return false;
  if (has_lost_role(borrower) && backend.defaults_generation() >= role_since_.load()) return false;
  const bool opened_for_it = backend.is_fresh() && backend.opened_at() >= borrower.waiting_since_;
  if (borrower.wants_fresh() && !opened_for_it) return false;
  if (backend.resident() == &borrower) return true;
  return !leaves_placeholders(backend.settings(), borrower.wanted_settings());
}

/// An idle backend of this thread: the borrower's home when it is there; else one that nobody lives in, with
/// the same settings if possible; else, when the pool may not grow, somebody's home.
Backend* Pool::take_idle(const Borrower& borrower) {
  Shard& mine = shard();
  const TimePoint now = net::Loop::current()->now();
  if (Backend* home = borrower.home_;
      home != nullptr && &home->pool() == this && idle_hook(*home).is_linked() && suits(*home, borrower)) {
    unlink_idle(*home);
    return home;
  }
  Backend* best = nullptr;
  int best_score = -1;
  for (auto at = mine.idle.begin(); at != mine.idle.end();) {
    Backend& backend = *at;
    ++at;
    if (is_outdated(backend, now)) {
      if (backend.resident() == nullptr) discard(backend);
      continue;
    }
    if (!suits(backend, borrower)) continue;
    const bool alike = same_settings(backend.settings(), borrower.wanted_settings());
    const bool free = backend.resident() == nullptr;
    const int score = (free ? 2 : 0) + (alike ? 1 : 0);
    if (score > best_score) {
      best = &backend;
      best_score = score;
    }
    // Free ones come first in the list, so an occupied one means that there is no better.
    if (alike || !free) break;
  }
  if (best == nullptr) return nullptr;
  if (best->resident() != nullptr && may_grow()) return nullptr;
  unlink_idle(*best);
  return best;
}

/// Before its resident changes: both counts are as when it was put there.
void Pool::unlink_idle(Backend& backend) {
  idle_hook(backend).unlink();
  shard().counts.remove(backend.resident() == nullptr);
}

Backend* Pool::find_lodging(const ProfilePtr& profile) {
  const TimePoint now = net::Loop::current()->now();
  Backend* shared = nullptr;
  for (Backend& backend : shard().all) {
    const bool alive = backend.state() == Backend::State::idle || backend.state() == Backend::State::lent;
    if (!alive || backend.profile() != profile || is_outdated(backend, now) ||
        backend.defaults_generation() != defaults_generation()) {
      continue;
    }
    if (backend.resident() == nullptr && backend.state() == Backend::State::idle) {
      backend.set_second_hand();
      return &backend;
    }
    shared = &backend;
  }
  return may_grow() ? nullptr : shared;
}

/// Not for a while after the server has said that it is full either: then what there is has to do for all.
bool Pool::may_grow() const {
  if (net::Loop::current()->now() < full_until_.load()) return false;
  const auto has_room = [](const Quota& quota) { return quota.used() < quota.limit(); };
  return size_.used() < rules().size && has_room(of_user_.backends) && has_room(of_database_.backends);
}

std::optional<Greeting> Pool::known_greeting(const ProfilePtr& profile) const {
  if (may_grow()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const auto at = std::ranges::find(greetings_, profile, &KnownGreeting::profile);
  const bool valid = at != greetings_.end() && at->generation == generation() &&
                     at->defaults_generation == defaults_generation();
  return valid ? std::optional(at->greeting) : std::nullopt;
}

void Pool::remember_greeting(const Backend& backend) {
  const std::lock_guard lock(mutex_);
  std::erase_if(greetings_, [&](const auto& known) { return known.profile == backend.profile(); });
  if (greetings_.size() >= kMaxGreetings) greetings_.erase(greetings_.begin());
  greetings_.push_back({backend.profile(),
                        {backend.greeting(), backend.cancel_key().process_id},
                        backend.generation(),
                        backend.defaults_generation()});
}

void Pool::move_in(Borrower& borrower, Backend& backend) {
  if (backend.resident_ != nullptr || borrower.home_ != nullptr) return;
  const bool idle = idle_hook(backend).is_linked();
  if (idle) unlink_idle(backend);
  backend.resident_ = &borrower;
  borrower.home_ = &backend;
  if (idle) put_idle(backend);
}

void Pool::move_out(Borrower& borrower) {
  Backend* home = borrower.home_;
  if (home == nullptr) return;
  const bool idle = idle_hook(*home).is_linked();
  if (idle) unlink_idle(*home);
  part(*home);
  if (!idle) return;
  if (is_outdated(*home, net::Loop::current()->now())) return discard(*home);
  put_idle(*home);
}

void Pool::part(Backend& backend) {
  if (backend.resident_ == nullptr) return;
  backend.resident_->home_ = nullptr;
  backend.resident_ = nullptr;
}

void Pool::lend(Backend& backend, Borrower& borrower) {
  if (borrower.is_client_) PoolCounters::add(shard().counters.assignments, 1);
  borrower.defaults_generation_ = backend.defaults_generation();
  borrower.on_checkout(backend);
}

void Pool::give_back(Backend& backend) {
  backend.take_back();
  if (is_outdated(backend, net::Loop::current()->now())) return discard(backend);
  put_idle(backend);
  if (waiting_.load() != 0) serve();
}

void Pool::put_idle(Backend& backend) {
  Shard& mine = shard();
  const bool is_free = backend.resident() == nullptr;
  if (is_free) {
    mine.idle.push_front(backend);
  } else {
    mine.idle.push_back(backend);
  }
  mine.counts.add(is_free);
}

bool Pool::is_outdated(const Backend& backend, TimePoint now) const {
  if (backend.generation() != generation() || backend.has_overdue_cancel() || backend.is_ended()) return true;
  if (backend.resident() == nullptr && backend.defaults_generation() != defaults_generation()) return true;
  const Duration recycle = rules().recycle;
  return recycle.count() > 0 && since(backend.opened_at(), now) >= recycle;
}

void Pool::discard(Backend& backend) {
  const bool was_idle = idle_hook(backend).is_linked();
  backend.close();
  if (was_idle) unlink_idle(backend);
  destroy(backend);
}

void Pool::on_lost(Backend& backend) {
  discard(backend);
}

/// The object lives on until the end of the round: it may be on the call stack.
void Pool::destroy(Backend& backend) {
  Shard& mine = shard();
  const auto at = std::ranges::find(mine.owned, &backend, &std::unique_ptr<Backend>::get);
  if (at == mine.owned.end()) return;
  part(backend);
  static_cast<ListHook<BackendAllTag>&>(backend).unlink();
  auto gone = std::make_shared<std::unique_ptr<Backend>>(std::move(*at));
  mine.owned.erase(at);
  // Without a backend the directory may forget the pool, on another thread; whoever is on the call stack
  // still needs it.
  net::Loop::current()->defer([gone, self = shared_from_this()] {
    gone->reset();
    self->directory_.serve_waiters();
  });
  // The permits go at once: a waiter may open its own backend now.
  (*gone)->hold_permits({});
}

bool Pool::owns(const Backend& backend, TimePoint opened_at) const {
  const auto& owned = shard().owned;
  const auto at = std::ranges::find(owned, &backend, &std::unique_ptr<Backend>::get);
  return at != owned.end() && (*at)->opened_at() == opened_at;
}

void Pool::add_holder(Holder& holder) {
  shard().holders.push_back(holder);
  if (waiting_.load() != 0) serve();
}

std::vector<const Backend*> Pool::backends_here() const {
  std::vector<const Backend*> backends;
  for (const Backend& backend : const_cast<Shard&>(shard()).all) backends.push_back(&backend);
  return backends;
}

std::uint32_t Pool::clients() const {
  std::uint32_t count = 0;
  for (const auto& part : shards_) count += part->counters.clients.load(std::memory_order_relaxed);
  return count;
}

// --- administration
// ----------------------------------------------------------------------------------------------

std::shared_ptr<const Target> Pool::target() const {
  const std::lock_guard lock(mutex_);
  return target_;
}

const PoolRules& Pool::rules() const {
  return *shard().rules;
}

void Pool::configure(std::shared_ptr<const Target> target, PoolRulesPtr rules) {
  size_.set_limit(rules->size + rules->overflow + rules->reserve);
  directory_.on_each_thread([self = shared_from_this(), rules] { self->shard().rules = rules; });
  set_target(std::move(target));
}

void Pool::set_origin(std::weak_ptr<const Pool> origin) {
  const std::lock_guard lock(mutex_);
  origin_ = std::move(origin);
}

void Pool::set_target(std::shared_ptr<const Target> target) {
  const std::lock_guard lock(mutex_);
  target_ = std::move(target);
}

void Pool::resume() {
  resumed_at_.store(Clock::now());
  paused_.store(false);
  directory_.on_each_thread([self = shared_from_this()] { self->serve(); });
}

void Pool::reconnect() {
  generation_.fetch_add(1);
  directory_.on_each_thread([self = shared_from_this()] { self->close_idle(); });
}

void Pool::sever(const std::string& why) {
  generation_.fetch_add(1);
  directory_.on_each_thread([self = shared_from_this(), why] { self->sever_here(why); });
}

void Pool::sever_here(const std::string& why) {
  close_idle();
  std::vector<Backend*> open;
  for (Backend& backend : shard().all) {
    if (backend.generation() != generation()) open.push_back(&backend);
  }
  for (Backend* backend : open) backend->sever(why);
  if (is_for_reads()) fail_waiters(why);
  shard().retry_at = TimePoint::min();
  serve();
}

std::uint64_t Pool::defaults_generation() const {
  return directory_.defaults_generation();
}

std::size_t Pool::close_idle(const Quota* only, std::size_t limit) {
  if (only != nullptr && only != &of_user_.backends && only != &of_database_.backends) return 0;
  Shard& mine = shard();
  std::size_t closed = 0;
  while (closed < limit && !mine.idle.empty()) {
    discard(mine.idle.back());
    ++closed;
  }
  return closed;
}

void Pool::clear_idle_of_database(const std::string& database) {
  for (const auto& pool : directory_.of_database(database)) {
    if (pool->clients() != 0) continue;
    pool->close_idle();
    pool->reconnect();
  }
}

void Pool::sweep(TimePoint now) {
  Shard& mine = shard();
  const PoolRulesPtr rules = mine.rules;
  std::vector<Backend*> expired;
  for (Backend& backend : mine.all) {
    const Duration unchanged = since(backend.changed_at(), now);
    switch (backend.state()) {
      case Backend::State::idle: {
        const bool surplus =
            size_.used() > rules->size + rules->reserve + expired.size() && unchanged >= kOverflowIdle;
        const bool stale = rules->backend_idle.count() > 0 && unchanged >= rules->backend_idle &&
                           size_.used() > rules->min_size + expired.size();
        if (surplus || stale || is_outdated(backend, now)) expired.push_back(&backend);
        break;
      }
      case Backend::State::lent: {
        // A look at a large catalog may take long. A server that does not even answer a cancel is gone.
        const Duration unanswered = backend.unanswered_for(now);
        if (rules->connect.count() == 0 || unanswered < rules->connect) break;
        backend.cancel_question();
        if (unanswered >= 2 * rules->connect) expired.push_back(&backend);
        break;
      }
      case Backend::State::closed:
        break;
      default:
        if (rules->connect.count() > 0 && unchanged >= rules->connect) expired.push_back(&backend);
    }
  }
  for (Backend* backend : expired) {
    switch (backend->state()) {
      case Backend::State::idle:
        discard(*backend);
        break;
      case Backend::State::lent:
        backend->give_up(2 * rules->connect);
        break;
      case Backend::State::closed:
        break;
      default:
        backend->expire_opening();
    }
  }
  // Whoever has paused the pool waits until nobody has a backend any more.
  want_release(is_paused());
  if (waiting_.load() == 0) return;
  expire_waiters(now, *rules);
  serve();
}

}  // namespace forebay::backend
