#pragma once

#include <cstdint>

#include "cache/store.hpp"

namespace forebay::engine {

/// Gives what the allocator has free back to the system. Takes the longer the more that is, and holds up
/// whoever allocates meanwhile. Thread safe.
void release_free_memory();

/// Gives the memory of entries that have gone back to the system. The allocator by itself returns only what
/// lies at the end of its heap, so that entries of one size that took the place of others of another size
/// would come on top of what those had taken. Used by one thread.
class HeapTrimmer {
 public:
  /// `store` outlives it.
  explicit HeapTrimmer(const cache::Store& store) : store_(store) {}

  /// To be called every tenth of a second or so. See release_free_memory().
  void sweep();

 private:
  const cache::Store& store_;
  std::uint64_t trimmed_at_ = 0;  ///< bytes that had been released then
};

}  // namespace forebay::engine
