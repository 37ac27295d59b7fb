#pragma once

#include <atomic>

namespace forebay::backend {

/// A change stream of this process that is on its way to a replication slot, from the look at how many are
/// free until its own counts among those that are taken. Streams that start together see one another so.
/// Thread safe.
class SlotClaim {
 public:
  SlotClaim() : earlier_(under_way_.fetch_add(1)) {}
  ~SlotClaim() { under_way_.fetch_sub(1); }
  SlotClaim(const SlotClaim&) = delete;
  SlotClaim& operator=(const SlotClaim&) = delete;

  /// How many were on their way when this one began, on whatever server. Some of their slots may be there by
  /// now: whoever is refused for that tries again.
  int earlier() const { return earlier_; }

 private:
  static inline std::atomic<int> under_way_ = 0;
  const int earlier_;
};

}  // namespace forebay::backend
