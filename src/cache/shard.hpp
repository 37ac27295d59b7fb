#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "base/intrusive_list.hpp"
#include "cache/entry.hpp"

namespace forebay::cache {

/// A part of the store, evicting by S3-FIFO: what is new waits in a small queue and is dropped from there
/// unless it is asked for again; a scan does not push out what is in use. What was dropped and comes back
/// soon goes straight to the main queue. (Yang et al., "FIFO queues are all you need for cache eviction",
/// SOSP 2023, https://doi.org/10.1145/3600006.3613147.) Not thread safe.
class Shard {
 public:
  /// For somebody who wants the answer: that counts.
  EntryPtr find(const Key& key);
  /// To look at it.
  EntryPtr peek(const Key& key) const;
  void put(EntryPtr entry);
  void remove(const Entry& entry);
  std::size_t clear(const std::function<bool(const Entry&)>& which);
  void visit(const std::function<void(const EntryPtr&, std::uint64_t hits)>& visitor) const;
  void set_capacity(std::size_t bytes);

  std::size_t entries() const { return slots_.size(); }
  std::size_t bytes() const { return small_.bytes + main_.bytes; }
  std::uint64_t evicted() const { return evicted_; }
  /// Bytes of all that ever left.
  std::uint64_t released() const { return released_; }

 private:
  struct Tag;
  struct Slot : ListHook<Tag> {
    EntryPtr entry;
    std::uint64_t hits = 0;
    std::uint8_t credit = 0;  ///< passes through the main queue that it may still make, up to kMaxCredit
    bool in_main = false;
  };
  struct Queue {
    IntrusiveList<Slot, Tag> slots;  ///< the oldest in front
    std::size_t bytes = 0;
  };
  struct SameHash {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };
  using Slots = boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Slot>, SameHash>;

  void insert(Slot& slot, bool main);
  void take_out(Slots::iterator at);
  void make_room();
  void shrink_small();
  void shrink_main();
  void remember_ghost(std::uint64_t hash);

  Slots slots_;  ///< by hash; of two keys with one hash the later one stays
  Queue small_;
  Queue main_;
  std::deque<std::uint64_t>
      ghosts_;  ///< hashes of what was dropped from the small queue, the oldest in front
  boost::unordered_flat_set<std::uint64_t, SameHash> ghost_set_;
  std::size_t capacity_ = 0;
  std::uint64_t evicted_ = 0;
  std::uint64_t released_ = 0;
};

}  // namespace forebay::cache
