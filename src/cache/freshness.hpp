#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "cache/catalog.hpp"
#include "cache/relation.hpp"

namespace forebay::cache {

/// What is known of how fresh the entries of one database are: the change stream tells it what has changed
/// and that nothing is missing; readers ask it whether an entry may be served, and writers tell it of their
/// own writes. See docs/freshness.md for why this is sound. Thread safe; what readers call takes no lock.
class Freshness {
 public:
  /// Entries are served for at most `bound` after the last proof that nothing is missing.
  explicit Freshness(Duration bound) : bound_(bound) {}

  // --- the change stream's thread
  /// A new stream has begun; whatever was known before is void. `catalog` was read after the stream's
  /// beginning by a question that was asked at `asked_at`.
  void begin_epoch(std::shared_ptr<const Catalog> catalog, TimePoint asked_at);
  /// The stream is lost: nothing is served until the next one. `why` is for people.
  void end_epoch(std::string why);
  /// Everything that was visible at `asked_at` has been noted. `all_visible_below`: a snapshot taken since
  /// sees every committed transaction below this number (pg_snapshot_xmin).
  void renew_lease(TimePoint asked_at, TransactionId all_visible_below);
  /// The catalog is still the one that is known; the question was asked at `asked_at`.
  void confirm_catalog(TimePoint asked_at);
  void replace_catalog(std::shared_ptr<const Catalog> catalog, TimePoint asked_at);
  /// The relation that the stream calls so; null when no catalog has named it, so that nothing can depend on
  /// it.
  Relation* find_relation(std::string_view qualified_name);
  /// As above, made when it is not there. For Catalog::make.
  Relation* intern_relation(const std::string& qualified_name);
  /// When somebody last asked for fresh entries: without use there is no need of leases.
  TimePoint last_used() const { return last_used_.load(std::memory_order_relaxed); }
  /// The latest write of ours that no lease covers yet; readers wait for one.
  bool lease_is_wanted() const;
  /// Called from any thread when a lease is wanted sooner than at its usual time. To be set before the first
  /// epoch begins, and unset after the last.
  void set_waker(std::function<void()> wake);
};

}  // namespace forebay::cache
