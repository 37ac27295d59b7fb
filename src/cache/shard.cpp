#include "cache/shard.hpp"

#include <utility>
#include <vector>

#include "base/same_bytes.hpp"

namespace forebay::cache {

namespace {

/// The paper's figures: a tenth for what is new, and at most three passes ahead.
constexpr std::size_t kSmallShare = 10;
constexpr std::uint8_t kMaxCredit = 3;

}  // namespace

EntryPtr Shard::peek(const Key& key) const {
  const auto at = slots_.find(key.hash);
  if (at == slots_.end() || !same_bytes(at->second->entry->key(), key.bytes)) return nullptr;
  return at->second->entry;
}

EntryPtr Shard::find(const Key& key) {
  const auto at = slots_.find(key.hash);
  if (at == slots_.end()) return nullptr;
  Slot& slot = *at->second;
  if (!same_bytes(slot.entry->key(), key.bytes)) return nullptr;
  ++slot.hits;
  if (slot.credit < kMaxCredit) ++slot.credit;
  return slot.entry;
}

void Shard::put(EntryPtr entry) {
  const std::uint64_t hash = entry->hash();
  const auto at = slots_.find(hash);
  if (at != slots_.end()) {
    // It keeps its place: asked for, it was worth it.
    Slot& slot = *at->second;
    Queue& queue = slot.in_main ? main_ : small_;
    queue.bytes += entry->bytes();
    queue.bytes -= slot.entry->bytes();
    released_ += slot.entry->bytes();
    slot.entry = std::move(entry);
  } else {
    auto slot = std::make_unique<Slot>();
    slot->entry = std::move(entry);
    insert(*slot, ghost_set_.contains(hash));
    slots_.emplace(hash, std::move(slot));
  }
  make_room();
}

void Shard::insert(Slot& slot, bool main) {
  Queue& queue = main ? main_ : small_;
  slot.in_main = main;
  queue.slots.push_back(slot);
  queue.bytes += slot.entry->bytes();
}

void Shard::take_out(Slots::iterator at) {
  Slot& slot = *at->second;
  (slot.in_main ? main_ : small_).bytes -= slot.entry->bytes();
  released_ += slot.entry->bytes();
  slot.unlink();
  slots_.erase(at);
}

void Shard::remove(const Entry& entry) {
  const auto at = slots_.find(entry.hash());
  if (at != slots_.end() && at->second->entry.get() == &entry) take_out(at);
}

std::size_t Shard::clear(const std::function<bool(const Entry&)>& which) {
  std::vector<std::uint64_t> chosen;
  for (const auto& [hash, slot] : slots_) {
    if (!which || which(*slot->entry)) chosen.push_back(hash);
  }
  for (const std::uint64_t hash : chosen) take_out(slots_.find(hash));
  return chosen.size();
}

void Shard::visit(const std::function<void(const EntryPtr&, std::uint64_t hits)>& visitor) const {
  for (const auto& [hash, slot] : slots_) visitor(slot->entry, slot->hits);
}

void Shard::set_capacity(std::size_t bytes) {
  capacity_ = bytes;
  make_room();
}

void Shard::make_room() {
  while (bytes() > capacity_) {
    const bool small_is_full = small_.bytes >= capacity_ / kSmallShare;
    if (!small_.slots.empty() && (small_is_full || main_.slots.empty())) {
      shrink_small();
    } else {
      shrink_main();
    }
  }
}

void Shard::shrink_small() {
  Slot& oldest = small_.slots.front();
  if (oldest.credit > 0) {
    oldest.unlink();
    small_.bytes -= oldest.entry->bytes();
    oldest.credit = 0;
    return insert(oldest, true);
  }
  remember_ghost(oldest.entry->hash());
  ++evicted_;
  take_out(slots_.find(oldest.entry->hash()));
}

void Shard::shrink_main() {
  Slot& oldest = main_.slots.front();
  if (oldest.credit > 0) {
    --oldest.credit;
    oldest.unlink();
    return main_.slots.push_back(oldest);
  }
  ++evicted_;
  take_out(slots_.find(oldest.entry->hash()));
}

/// As many as there are entries: what has not come back by then is as good as new.
void Shard::remember_ghost(std::uint64_t hash) {
  if (ghost_set_.insert(hash).second) ghosts_.push_back(hash);
  while (ghosts_.size() > slots_.size()) {
    ghost_set_.erase(ghosts_.front());
    ghosts_.pop_front();
  }
}

}  // namespace forebay::cache
