#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"
#include "cache/catalog.hpp"
#include "cache/level.hpp"
#include "cache/raise.hpp"
#include "cache/recent_ages.hpp"
#include "cache/relation.hpp"
#include "cache/safeguards.hpp"
#include "cache/stream_tally.hpp"

namespace forebay::cache {

/// What a fill must be newer than, noted before its query is sent.
struct Fence {
  std::uint64_t epoch = 0;              ///< 0: there is none, nothing may be kept
  std::uint64_t catalog = 0;            ///< number of the catalog that the statement was judged by
  TransactionId all_visible_below = 0;  ///< the fill's snapshot sees every committed transaction below this
};

/// What is known of how fresh the entries of one database are: the change stream tells it what has changed
/// and that nothing is missing; readers ask it whether an entry may be served, and writers tell it of their
/// own writes. docs/freshness.md says why this is sound. Thread safe; what is called for each query takes no
/// lock.
class Freshness {
 public:
  /// Entries are served for at most `bound` after the last proof that nothing is missing.
  explicit Freshness(Duration bound) : bound_(bound) {}

  // --- for each query
  /// Whether anything may be served at `now`, which was read from the clock after the query had come.
  bool may_serve(TimePoint now) const {
    if (is_left_out(Safeguard::lease)) return true;
    return now - lease_.load(std::memory_order_acquire) <= bound_ &&
           now - catalog_confirmed_.load(std::memory_order_acquire) <= bound_ &&
           lease_.load(std::memory_order_relaxed) >= own_write_.load(std::memory_order_acquire) &&
           catalog_confirmed_.load(std::memory_order_relaxed) >=
               own_schema_change_.load(std::memory_order_acquire);
  }
  /// When the proof was asked for that covers all rows that are served now. To be read before an entry's
  /// marks are.
  TimePoint lease() const { return lease_.load(std::memory_order_acquire); }
  /// As above, for rows and for what the catalog makes of them: a view that was replaced, a table that was
  /// rewritten. At the level ttl what lives at `now` is as new as its own beginning: to the second, for
  /// whoever keeps books by it.
  TimePoint proof(TimePoint now) const {
    if (level() == Level::ttl) {
      return std::chrono::floor<std::chrono::seconds>(now -
                                                      longest_lifetime_.load(std::memory_order_acquire));
    }
    const TimePoint catalog = std::max(catalog_confirmed_.load(std::memory_order_acquire),
                                       catalog_unchanged_.load(std::memory_order_acquire));
    return std::min(lease(), catalog);
  }
  /// It is the same one for a whole epoch. To be read after the epoch is.
  Level level() const { return level_.load(std::memory_order_acquire); }
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  std::uint64_t catalog_number() const { return catalog_number_.load(std::memory_order_acquire); }
  /// Says that fresh entries are wanted, which keeps the leases coming.
  void note_use(TimePoint now);
  Fence fence() const;
  /// Whether a fill that began behind `fence` belongs to the present.
  bool holds(const Fence& fence) const {
    return fence.epoch != 0 && fence.epoch == epoch() && fence.catalog == catalog_number();
  }
  /// An entry is about to be filled that lives for so long: to be called before its query is sent.
  void note_lifetime(Duration lifetime) { raise(longest_lifetime_, lifetime); }

  // --- for each statement that is new
  /// The catalog and its number; null while there is none.
  std::pair<std::shared_ptr<const Catalog>, std::uint64_t> catalog() const;

  /// Whether the catalog was looked at within the bound, so that it can tell what a write reaches.
  bool catalog_is_recent(TimePoint now) const {
    return now - catalog_confirmed_.load(std::memory_order_acquire) <= bound_;
  }

  // --- for each write through us, before its client is told
  // At the level ttl it counts as a change, for no lease will ever cover it: entries of what it may have
  // changed are ended, and so are fills that began before.
  /// What it changed is not known.
  void note_own_write(TimePoint now);
  void note_own_write(Relation& relation, TimePoint now);
  void note_own_write(Relation& relation, Relation::Bucket bucket, TimePoint now);
  void note_own_schema_change(TimePoint now);

  // --- the change stream's thread
  /// `level` has come about; whatever was known before is void. `catalog` was read after its beginning by a
  /// question that was asked at `asked_at`.
  void begin_epoch(Level level, std::shared_ptr<const Catalog> catalog, TimePoint asked_at);
  /// It is lost: nothing is served until the next epoch. `why` is for people.
  void end_epoch(std::string why);
  /// Says to people why there is no better level.
  void note_trouble(std::string why);
  /// Everything that was visible at `asked_at` has been noted, or need not be. `all_visible_below`: a
  /// snapshot taken since sees every committed transaction below this number (pg_snapshot_xmin) that has been
  /// noted.
  void renew_lease(TimePoint asked_at, TransactionId all_visible_below);
  /// The catalog is still the one that is known; the question was asked at `asked_at`.
  void confirm_catalog(TimePoint asked_at);
  /// No transaction of this database can have changed the catalog before `asked_at`. Roles may have changed.
  void note_unchanged_catalog(TimePoint asked_at);
  void replace_catalog(std::shared_ptr<const Catalog> catalog, TimePoint asked_at);
  /// The relation that the stream calls so; null when no catalog has named it, so that nothing depends on it.
  Relation* find_relation(std::string_view qualified_name);
  /// As above, made when it is not there. For Catalog::make.
  Relation* intern_relation(const std::string& qualified_name);
  /// When somebody last asked for fresh entries: without use there is no need of leases.
  TimePoint last_used() const { return last_used_.load(std::memory_order_relaxed); }
  /// A write or a schema change of ours that no lease covers yet: readers wait for one.
  bool lease_is_wanted() const {
    return newest_own_write_.load(std::memory_order_acquire) > lease_.load(std::memory_order_relaxed);
  }
  bool catalog_is_wanted() const {
    return own_schema_change_.load(std::memory_order_acquire) >
           catalog_confirmed_.load(std::memory_order_relaxed);
  }
  /// `wake` is called from any thread when one of the above becomes true, or use begins after a pause. Null:
  /// nobody listens.
  void set_waker(std::function<void()> wake);

  // --- for people
  /// Why nothing is served, or why there is no better level; empty when all is well.
  std::string trouble() const;
  Duration bound() const { return bound_; }
  /// When the newest lease of all was asked for, or the newest epoch began, for which nothing had been missed
  /// yet; of epochs that have ended too: a stream that is lost again and again proves nothing either.
  TimePoint last_proof() const { return last_proof_.load(std::memory_order_relaxed); }
  /// How old answers were at most, of late: from when a lease was asked for until the next one took its
  /// place.
  std::optional<RecentAges::Summary> recent_ages() const { return recent_ages_.summary(); }
  /// The change stream counts more itself.
  StreamTally& stream_tally() { return stream_tally_; }
  StreamFigures stream_figures() const { return stream_tally_.figures(); }

 private:
  /// Long ago.
  static constexpr TimePoint kNever{};

  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  void wake();
  void renew_epoch();
  void note_newest(TimePoint now);
  void wake_for_write();

  const Duration bound_;
  std::atomic<Level> level_ = Level::none;  ///< is set before the epoch begins, and until it has ended
  std::atomic<std::uint64_t> epoch_ = 0;    ///< 0 while nothing runs
  std::atomic<std::uint64_t> catalog_number_ = 0;
  std::atomic<TimePoint> lease_{kNever};
  std::atomic<TimePoint> last_proof_{kNever};
  std::atomic<TimePoint> catalog_confirmed_{kNever};
  std::atomic<TimePoint> catalog_unchanged_{kNever};  ///< for proof() only
  std::atomic<TransactionId> all_visible_below_ = 0;
  std::atomic<TimePoint> own_write_{kNever};  ///< of which it is not known what it changed
  std::atomic<TimePoint> own_schema_change_{kNever};
  std::atomic<TimePoint> newest_own_write_{kNever};  ///< of any kind
  std::atomic<Duration> longest_lifetime_{Duration(0)};
  std::atomic<TimePoint> last_used_{kNever};
  RecentAges recent_ages_;
  StreamTally stream_tally_;
  std::atomic<bool> woken_ = false;  ///< for a write; the stream has not renewed the lease since

  mutable std::mutex mutex_;
  std::uint64_t epochs_ = 0;                                 ///< guarded by mutex_
  std::shared_ptr<const Catalog> catalog_;                   ///< guarded by mutex_
  std::string trouble_ = "the change stream has not begun";  ///< guarded by mutex_
  std::function<void()> wake_;                               ///< guarded by mutex_
  std::unordered_map<std::string, std::unique_ptr<Relation>, TextHash, std::equal_to<>>
      relations_;  ///< guarded by mutex_
};

}  // namespace forebay::cache
