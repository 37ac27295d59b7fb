// Those who wait for a backend: the queue over all threads, and opening backends for it.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "backend/pool_directory.hpp"
#include "backend/pool_shard.hpp"
#include "net/loop.hpp"

namespace forebay::backend {

namespace {

/// How long a client waits before the pool grows beyond its size: short queries give a backend back well
/// before, and a server with fewer busy backends is faster.
constexpr Duration kOverflowDelay{100};
/// Pause between attempts to reach a server that is down.
constexpr Duration kRetryPause{200};
/// For so long after the last attempt what it failed for is what keeps clients waiting.
constexpr Duration kTroubleIsNews{2'000};
/// For so long a server that had no connection left is taken to have none.
constexpr Duration kFullPause{1'000};

/// Worth another attempt while the client's patience lasts: the server is not there, is starting, or is full.
bool is_temporary(const Login::Refusal& refusal) {
  if (refusal.server_error.empty()) return refusal.ours.sqlstate == wire::sqlstate::kConnectionFailure;
  const std::string_view code = wire::error_field(refusal.server_error, 'C');
  return code == wire::sqlstate::kCannotConnectNow || code == wire::sqlstate::kTooManyConnections;
}

}  // namespace

// --- the queue
// -----------------------------------------------------------------------------------------------------

void Pool::enqueue(Borrower& borrower) {
  const std::lock_guard lock(mutex_);
  waiters_.push_back(borrower);
  waiting_.fetch_add(1);
}

/// Under mutex_.
void Pool::dequeue(Borrower& borrower) {
  borrower.unlink();
  borrower.patient_since_ = {};
  waiting_.fetch_sub(1);
}

/// By the thread of a borrower that has just left the queue.
void Pool::count_wait(const Borrower& borrower) {
  if (!borrower.is_client_) return;
  PoolCounters::add(shard().counters.wait_micros,
                    micros_between(borrower.waiting_since_, net::Loop::current()->now()));
}

void Pool::count_failed_wait(const Borrower& borrower) {
  if (!borrower.is_client_) return;
  count_wait(borrower);
  PoolCounters::add(shard().counters.failed_checkouts, 1);
}

void Pool::fail(Borrower& borrower, const Login::Refusal& refusal) {
  count_failed_wait(borrower);
  borrower.on_checkout_failed(refusal);
}

void Pool::cancel_checkout(Borrower& borrower) {
  {
    const std::lock_guard lock(mutex_);
    if (!borrower.is_linked()) return;
    dequeue(borrower);
  }
  count_failed_wait(borrower);
}

Duration Pool::longest_wait(TimePoint now) const {
  const std::lock_guard lock(mutex_);
  auto& waiters = const_cast<IntrusiveList<Borrower, WaitingTag>&>(waiters_);
  return waiters.empty() ? Duration(0) : since(waiters.front().waiting_since_, now);
}

void Pool::fail_waiter(const ProfilePtr& profile, const Login::Refusal& refusal) {
  Borrower* failed = nullptr;
  {
    const std::lock_guard lock(mutex_);
    for (Borrower& waiter : waiters_) {
      if (waiter.thread_ != directory_.this_thread() || waiter.wanted_profile() != profile) continue;
      failed = &waiter;
      dequeue(waiter);
      break;
    }
  }
  if (failed != nullptr) fail(*failed, refusal);
}

/// Those of this thread that `predicate` is true of, out of the queue.
template <class Predicate>
std::vector<Borrower*> Pool::dequeue_here(Predicate predicate) {
  std::vector<Borrower*> found;
  const std::lock_guard lock(mutex_);
  for (Borrower& waiter : waiters_) {
    if (waiter.thread_ == directory_.this_thread() && predicate(waiter)) found.push_back(&waiter);
  }
  for (Borrower* waiter : found) dequeue(*waiter);
  return found;
}

/// Those of this thread.
void Pool::fail_waiters(const std::string& why) {
  Login::Refusal refusal;
  refusal.ours = {wire::Severity::fatal, std::string(wire::sqlstate::kConnectionFailure), why, {}, {}};
  for (Borrower* waiter : dequeue_here([](const Borrower&) { return true; })) fail(*waiter, refusal);
}

/// Those of this thread that there is no backend of their time left for.
void Pool::fail_those_without_role() {
  Login::Refusal refusal;
  refusal.ours = {
      wire::Severity::fatal,
      std::string(wire::sqlstate::kInvalidAuthorization),
      fmt::format("the role that this session logged in as is not called \"{}\" any more", user()),
      {},
      "Log in again."};
  for (Borrower* waiter : dequeue_here([this](const Borrower& each) { return has_lost_role(each); }))
    fail(*waiter, refusal);
  serve();
}

/// Of the server behind this pool; empty: it answers, or nobody looks.
std::string Pool::why_server_is_away() const {
  const std::string server = target()->name();
  for (const route::Server& each : directory_.board().here().servers) {
    if (each.name == server && each.state == route::State::down) return each.reason;
  }
  return {};
}

void Pool::expire_waiters(TimePoint now, const PoolRules& rules) {
  const bool is_held = held_.load();
  if (rules.wait.count() == 0 || (is_paused() && !is_held)) return;
  for (;;) {
    Borrower* expired = nullptr;
    {
      const std::lock_guard lock(mutex_);
      for (Borrower& waiter : waiters_) {
        if (waiter.thread_ != directory_.this_thread() ||
            since(std::max(waiter.patient_since_, resumed_at_.load()), now) < rules.wait)
          continue;
        expired = &waiter;
        dequeue(waiter);
        break;
      }
    }
    if (expired == nullptr) return;
    directory_.server_log().on_wait_expired(*this, rules.wait);
    // Nobody is helped by a larger pool when the server is away.
    if (const auto trouble = shard().trouble; trouble && now < shard().retry_at + kTroubleIsNews) {
      fail(*expired, *trouble);
      continue;
    }
    Login::Refusal refusal;
    if (const std::string away = why_server_is_away(); !away.empty()) {
      refusal.ours = {wire::Severity::fatal, std::string(wire::sqlstate::kConnectionFailure),
                      fmt::format("no backend came free within {} ms ({})", rules.wait.count(), describe()),
                      fmt::format("The server does not answer: {}.", away),
                      "SHOW SERVERS and SHOW TOPOLOGY in the console tell what is known of it."};
      fail(*expired, refusal);
      continue;
    }
    if (is_held) {
      refusal.ours = {wire::Severity::fatal,
                      std::string(wire::sqlstate::kCannotConnectNow),
                      fmt::format("no primary has been found within {} ms", rules.wait.count()),
                      {},
                      "SHOW TOPOLOGY in the console says of each server why it is not the primary."};
      fail(*expired, refusal);
      continue;
    }
    refusal.ours = {wire::Severity::fatal, std::string(wire::sqlstate::kTooManyConnections),
                    fmt::format("no backend came free within {} ms ({})", rules.wait.count(), describe()),
                    fmt::format("{} of {} backends are in use.", size_.used(), size_.limit()),
                    "Raise the pool's size or overflow, or look for transactions that stay open."};
    fail(*expired, refusal);
  }
}

// --- serving the first
// ---------------------------------------------------------------------------------------------

void Pool::serve() {
  serve_asking(0);
}

/// The first waiter may be sent an idle backend by any thread from `first_thread` on: those before have been
/// asked, and had none to spare.
void Pool::serve_asking(std::uint16_t first_thread) {
  while (waiting_.load() != 0 && !is_paused() && try_serve_front(std::exchange(first_thread, 0))) {
  }
}

/// True when the next waiter, or this one again, may be looked at.
bool Pool::try_serve_front(std::uint16_t first_thread) {
  const std::uint16_t here = directory_.this_thread();
  Borrower* front = nullptr;
  ProfilePtr profile;
  std::uint16_t there = 0;
  {
    const std::lock_guard lock(mutex_);
    if (waiters_.empty()) return false;
    front = &waiters_.front();
    profile = front->wanted_profile();
    there = front->thread_;
  }
  if (there != here) {
    // Only its own thread may touch a borrower. Send a backend along when one is idle here.
    if (Backend* spare = find_spare(profile)) {
      move_to_thread(*spare, there);
    } else {
      directory_.loop(there).post([self = shared_from_this()] { self->serve(); });
    }
    return false;
  }
  if (Backend* backend = take_idle(*front)) {
    {
      const std::lock_guard lock(mutex_);
      dequeue(*front);
    }
    count_wait(*front);
    lend(*backend, *front);
    return true;
  }
  if (has_lost_role(*front)) {
    // Not now: who asks may be in the middle of deciding.
    directory_.loop(here).post([self = shared_from_this()] { self->fail_those_without_role(); });
    return false;
  }
  if (ask_threads(first_thread, profile)) return false;
  const Duration waited = since(front->waiting_since_, net::Loop::current()->now());
  if (try_open(profile, waited)) return false;
  if (close_idle_misfit(*front)) return true;
  want_release(true);
  return false;
}

/// Asks the next thread from `first` on that seems to have a spare backend for `profile`. It sends one here,
/// or lets us go on with the thread after it. False when there is none to ask.
bool Pool::ask_threads(std::uint16_t first, const ProfilePtr& profile) {
  const std::uint16_t here = directory_.this_thread();
  const bool grows = may_grow();
  for (std::size_t other = first; other < shards_.size(); ++other) {
    const Shard& theirs = *shards_[other];
    if (other == here || (grows ? theirs.counts.free() : theirs.counts.idle()) == 0) continue;
    directory_.loop(other).post([self = shared_from_this(), here, other, profile] {
      if (self->waiting_.load() == 0) return;
      if (Backend* spare = self->find_spare(profile)) return self->move_to_thread(*spare, here);
      const auto next = static_cast<std::uint16_t>(other + 1);
      self->directory_.loop(here).post([self, next] { self->serve_asking(next); });
    });
    return true;
  }
  return false;
}

/// An idle backend of this thread for a waiter on another: of `profile`, and nobody's home. When the pool may
/// not grow, homes are lent to others, and closing a backend of another profile makes room.
Backend* Pool::find_spare(const ProfilePtr& profile) {
  const bool grows = may_grow();
  Backend* misfit = nullptr;
  for (Backend& backend : shard().idle) {
    if (backend.has_cancel_in_flight() || (grows && backend.resident() != nullptr)) continue;
    if (backend.profile() == profile) return &backend;
    misfit = &backend;
  }
  return grows ? nullptr : misfit;
}

void Pool::move_to_thread(Backend& backend, std::uint16_t thread) {
  Shard& mine = shard();
  const auto at = std::ranges::find(mine.owned, &backend, &std::unique_ptr<Backend>::get);
  auto moving = std::make_shared<std::unique_ptr<Backend>>(std::move(*at));
  mine.owned.erase(at);
  unlink_idle(backend);
  part(backend);
  static_cast<ListHook<BackendAllTag>&>(backend).unlink();
  backend.detach();
  directory_.loop(thread).post([self = shared_from_this(), moving] {
    Shard& destination = self->shard();
    Backend& arrived = **moving;
    destination.owned.push_back(std::move(*moving));
    destination.all.push_back(arrived);
    if (!arrived.attach(*net::Loop::current())) return self->discard(arrived);
    self->put_idle(arrived);
    self->serve();
  });
}

/// Makes room for a waiter whom no idle backend suits.
bool Pool::close_idle_misfit(const Borrower& borrower) {
  Backend* misfit = nullptr;
  for (Backend& backend : shard().idle) {
    if (suits(backend, borrower) || backend.has_cancel_in_flight()) continue;
    misfit = &backend;
    if (backend.resident() == nullptr) break;
  }
  if (misfit == nullptr) return false;
  discard(*misfit);
  return true;
}

/// For the first of this thread's waiters, when no idle backend suits it.
void Pool::make_room_for_front() {
  Borrower* front = nullptr;
  {
    const std::lock_guard lock(mutex_);
    for (Borrower& waiter : waiters_) {
      if (waiter.thread_ != directory_.this_thread()) continue;
      front = &waiter;
      break;
    }
  }
  if (front == nullptr) return;
  for (Backend& backend : shard().idle) {
    if (suits(backend, *front)) return;
  }
  close_idle_misfit(*front);
}

void Pool::want_release(bool urgent) {
  Shard& mine = shard();
  for (auto at = mine.holders.begin(); at != mine.holders.end();) {
    Holder& holder = *at;
    ++at;
    holder.on_release_wanted(urgent);
  }
}

// --- opening
// -----------------------------------------------------------------------------------------------------

/// True when a backend is on its way for the waiter.
bool Pool::try_open(const ProfilePtr& profile, Duration waited) {
  if (net::Loop::current()->now() < shard().retry_at) return true;
  if (opening_.load() >= waiting_.load() && opening_.load() > 0) return true;
  const PoolRules& rules = this->rules();
  std::uint32_t limit = rules.size;
  if (waited >= kOverflowDelay) limit += rules.overflow;
  if (waited >= rules.reserve_after) limit += rules.reserve;
  if (size_.used() >= limit || !size_.try_acquire()) return false;
  Permit pool_permit(size_);
  if (!of_user_.backends.try_acquire()) {
    directory_.free_one_of(of_user_.backends);
    return false;
  }
  Permit user_permit(of_user_.backends);
  if (!of_database_.backends.try_acquire()) {
    directory_.free_one_of(of_database_.backends);
    return false;
  }
  Permit database_permit(of_database_.backends);

  Shard& mine = shard();
  mine.owned.push_back(std::make_unique<Backend>(*this, profile));
  Backend& backend = *mine.owned.back();
  mine.all.push_back(backend);
  backend.hold_permits({std::move(pool_permit), std::move(user_permit), std::move(database_permit)});
  opening_.fetch_add(1);
  const auto target = this->target();
  backend.open(startup_parameters(*profile, rules, *target), credentials());
  return true;
}

/// Passwords and roles are replicated, so what opens the primary opens its copies.
Credentials Pool::credentials() const {
  std::shared_ptr<const Pool> origin;
  {
    const std::lock_guard lock(mutex_);
    origin = origin_.lock();
    if (origin == nullptr) return credentials_;
  }
  return origin->credentials();
}

std::vector<wire::Parameter> Pool::startup_parameters(const Profile& profile, const PoolRules& rules,
                                                      const Target& target) const {
  const std::string& database =
      target.upstream().database.empty() ? this->database() : target.upstream().database;
  std::vector<wire::Parameter> startup = {{"user", user()}, {"database", database}};
  if (!profile.replication.empty()) startup.emplace_back("replication", profile.replication);
  startup.insert(startup.end(), profile.parameters.begin(), profile.parameters.end());
  for (const auto& setting : rules.session_defaults) {
    if (std::ranges::find(profile.parameters, setting.first, &wire::Parameter::first) ==
        profile.parameters.end()) {
      startup.push_back(setting);
    }
  }
  return startup;
}

void Pool::set_credentials(Credentials credentials) {
  const std::lock_guard lock(mutex_);
  credentials_ = std::move(credentials);
}

void Pool::on_opened(Backend& backend) {
  directory_.server_log().on_opened(*this);
  opening_.fetch_sub(1);
  shard().trouble.reset();
  remember_greeting(backend);
  put_idle(backend);
  serve();
}

void Pool::on_open_failed(Backend& backend, const Login::Refusal& refusal) {
  directory_.server_log().on_open_failed(*this, refusal);
  opening_.fetch_sub(1);
  const ProfilePtr profile = backend.profile();
  destroy(backend);
  const TimePoint now = net::Loop::current()->now();
  if (wire::error_field(refusal.server_error, 'C') == wire::sqlstate::kTooManyConnections) {
    full_until_ = now + kFullPause;
    if (size_.used() > 0) {
      // What there is has to do, and comes back; one that suits nobody who waits makes room for the next
      // attempt.
      shard().trouble = refusal;
      shard().retry_at = now + kRetryPause;
      make_room_for_front();
      want_release(true);
      return serve();
    }
  }
  if (is_temporary(refusal) && has_patient_waiter(profile, now)) {
    shard().trouble = refusal;
    shard().retry_at = now + kRetryPause;  // the next sweep from then on tries again
    return serve();                        // somebody's idle backend may do
  }
  fail_waiter(profile, refusal);
  if (waiting_.load() != 0) serve();
}

/// Whether somebody here waits for a backend of `profile` and has not waited for as long as one may.
bool Pool::has_patient_waiter(const ProfilePtr& profile, TimePoint now) const {
  if (is_for_reads()) return false;  // another server may answer
  const Duration patience = rules().connect;
  const std::lock_guard lock(mutex_);
  auto& waiters = const_cast<IntrusiveList<Borrower, WaitingTag>&>(waiters_);
  for (const Borrower& waiter : waiters) {
    if (waiter.thread_ == directory_.this_thread() && waiter.wanted_profile() == profile &&
        since(waiter.waiting_since_, now) + kRetryPause < patience)
      return true;
  }
  return false;
}

}  // namespace forebay::backend
