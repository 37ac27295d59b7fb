#include "cache/freshness.hpp"

#include <algorithm>
#include <utility>

namespace forebay::cache {

namespace {

/// Use is noted this often at most, so that threads do not fight over the word.
constexpr Duration kUseNoted{100};
/// After a pause like this the stream is told that use begins again.
constexpr Duration kPause{1'000};

}  // namespace

void Freshness::note_use(TimePoint now) {
  const TimePoint before = last_used_.load(std::memory_order_relaxed);
  if (now - before < kUseNoted) return;
  raise(last_used_, now);
  if (now - before >= kPause) wake();
}

Fence Freshness::fence() const {
  // The epoch first: were it to end in between, the fence would not hold.
  const std::uint64_t epoch = this->epoch();
  return {epoch, catalog_number(), all_visible_below_.load(std::memory_order_acquire)};
}

std::pair<std::shared_ptr<const Catalog>, std::uint64_t> Freshness::catalog() const {
  const std::lock_guard lock(mutex_);
  return {catalog_, catalog_number_.load(std::memory_order_relaxed)};
}

// --- writes through us
// ---------------------------------------------------------------------------------------------

void Freshness::note_own_write(TimePoint now) {
  if (is_left_out(Safeguard::own_write)) return;
  if (level() == Level::ttl) return renew_epoch();
  raise(own_write_, now);
  note_newest(now);
}

void Freshness::note_own_write(Relation& relation, TimePoint now) {
  if (is_left_out(Safeguard::own_write)) return;
  if (level() == Level::ttl) return relation.note_change(kVisibleToAll);
  relation.note_own_write(now);
  note_newest(now);
}

void Freshness::note_own_write(Relation& relation, Relation::Bucket bucket, TimePoint now) {
  if (is_left_out(Safeguard::own_write)) return;
  if (level() == Level::ttl) return relation.note_change(kVisibleToAll, bucket);
  relation.note_own_write(now, bucket);
  note_newest(now);
}

void Freshness::note_own_schema_change(TimePoint now) {
  raise(own_schema_change_, now);
  note_own_write(now);
  wake_for_write();
}

/// Ends every entry and every fill that is under way.
void Freshness::renew_epoch() {
  const std::lock_guard lock(mutex_);
  if (epoch_.load() != 0) epoch_.store(++epochs_);
}

// --- the change stream
// ---------------------------------------------------------------------------------------------

void Freshness::begin_epoch(Level level, std::shared_ptr<const Catalog> catalog, TimePoint asked_at) {
  const std::lock_guard lock(mutex_);
  catalog_ = std::move(catalog);
  trouble_.clear();
  stream_tally_.note_start();
  level_.store(level);
  all_visible_below_.store(0);
  longest_lifetime_.store(
      Duration(0));  // a fill that has noted its own belongs to the epoch before, or to this one
  lease_.store(kNever);
  last_proof_.store(asked_at, std::memory_order_relaxed);
  catalog_number_.fetch_add(1);
  catalog_confirmed_.store(asked_at);
  epoch_.store(++epochs_);
}

void Freshness::end_epoch(std::string why) {
  const std::lock_guard lock(mutex_);
  epoch_.store(0);
  level_.store(Level::none);
  lease_.store(kNever);
  catalog_confirmed_.store(kNever);
  catalog_unchanged_.store(kNever);
  recent_ages_.clear();
  all_visible_below_.store(0);
  catalog_number_.fetch_add(1);
  catalog_.reset();
  trouble_ = std::move(why);
}

void Freshness::note_trouble(std::string why) {
  const std::lock_guard lock(mutex_);
  trouble_ = std::move(why);
}

void Freshness::renew_lease(TimePoint asked_at, TransactionId all_visible_below) {
  all_visible_below_.store(all_visible_below, std::memory_order_release);
  stream_tally_.note_lease();
  const TimePoint before = lease_.exchange(asked_at, std::memory_order_acq_rel);
  last_proof_.store(asked_at, std::memory_order_relaxed);
  if (before != kNever && level() != Level::ttl)
    recent_ages_.note(std::min(bound_, std::chrono::duration_cast<Duration>(Clock::now() - before)));
  // Whoever writes from here on wakes us; who wrote before is seen by lease_is_wanted().
  woken_.store(false);
}

void Freshness::confirm_catalog(TimePoint asked_at) {
  catalog_confirmed_.store(asked_at, std::memory_order_release);
}

void Freshness::note_unchanged_catalog(TimePoint asked_at) {
  catalog_unchanged_.store(asked_at, std::memory_order_release);
}

void Freshness::replace_catalog(std::shared_ptr<const Catalog> catalog, TimePoint asked_at) {
  const std::lock_guard lock(mutex_);
  stream_tally_.note_catalog();
  catalog_ = std::move(catalog);
  // The number first: who sees the confirmation must not take what the old catalog allowed.
  catalog_number_.fetch_add(1, std::memory_order_release);
  catalog_confirmed_.store(asked_at, std::memory_order_release);
}

Relation* Freshness::find_relation(std::string_view qualified_name) {
  const std::lock_guard lock(mutex_);
  const auto found = relations_.find(qualified_name);
  return found == relations_.end() ? nullptr : found->second.get();
}

Relation* Freshness::intern_relation(const std::string& qualified_name) {
  const std::lock_guard lock(mutex_);
  auto& relation = relations_[qualified_name];
  if (relation == nullptr) relation = std::make_unique<Relation>(qualified_name);
  return relation.get();
}

void Freshness::set_waker(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

/// Every own write asks for a lease.
void Freshness::note_newest(TimePoint now) {
  raise(newest_own_write_, now);
  wake_for_write();
}

/// The first write after a lease wakes the stream; the others find it awake.
void Freshness::wake_for_write() {
  if (!woken_.exchange(true)) wake();
}

void Freshness::wake() {
  const std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

std::string Freshness::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

}  // namespace forebay::cache
