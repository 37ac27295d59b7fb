#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "cache/entry.hpp"
#include "cache/shard.hpp"

namespace forebay::cache {

/// All entries of the process, within a number of bytes. Thread safe: it is cut into shards by the key's
/// hash, each behind a mutex that is held for tens of nanoseconds (docs/decisions/0009-shared-store.md).
class Store {
 public:
  struct Figures {
    std::size_t entries = 0;
    std::size_t bytes = 0;
    std::uint64_t evicted = 0;
    std::uint64_t released = 0;  ///< bytes of all entries that ever left
  };

  explicit Store(std::size_t capacity);

  /// The entry for `key`, fresh or not; null when there is none.
  EntryPtr find(const Key& key);
  /// The same for somebody who does not want the answer, only to look at it.
  EntryPtr peek(const Key& key);
  /// Puts it in the place of an older one with the same key. Not kept when it alone is too large.
  void put(EntryPtr entry);
  /// Takes it out if it is still there.
  void remove(const Entry& entry);
  /// Takes out what `which` says; everything when it is empty. Returns how many.
  std::size_t clear(const std::function<bool(const Entry&)>& which = {});
  /// `visitor` is called under a shard's lock: it is to be quick.
  void visit(const std::function<void(const EntryPtr&, std::uint64_t hits)>& visitor) const;

  /// Largest entry that is taken, in bytes.
  std::size_t largest() const { return capacity_.load(std::memory_order_relaxed) / kShards / 2; }
  std::size_t capacity() const { return capacity_.load(std::memory_order_relaxed); }
  void set_capacity(std::size_t bytes);
  Figures figures() const;

 private:
  static constexpr std::size_t kShards = 16;

  struct Guarded {
    mutable std::mutex mutex;
    Shard shard;  ///< guarded by mutex
  };

  Guarded& shard_of(std::uint64_t hash) { return shards_[(hash >> 32) % kShards]; }

  std::atomic<std::size_t> capacity_;
  std::array<Guarded, kShards> shards_;
};

}  // namespace forebay::cache
