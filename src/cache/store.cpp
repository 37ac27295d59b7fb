#include "cache/store.hpp"

#include <utility>

namespace forebay::cache {

Store::Store(std::size_t capacity) : capacity_(capacity) {
  set_capacity(capacity);
}

EntryPtr Store::find(const Key& key) {
  Guarded& part = shard_of(key.hash);
  const std::lock_guard lock(part.mutex);
  return part.shard.find(key);
}

EntryPtr Store::peek(const Key& key) {
  Guarded& part = shard_of(key.hash);
  const std::lock_guard lock(part.mutex);
  return part.shard.peek(key);
}

void Store::put(EntryPtr entry) {
  if (entry->bytes() > largest()) return;
  Guarded& part = shard_of(entry->hash());
  const std::lock_guard lock(part.mutex);
  part.shard.put(std::move(entry));
}

void Store::remove(const Entry& entry) {
  Guarded& part = shard_of(entry.hash());
  const std::lock_guard lock(part.mutex);
  part.shard.remove(entry);
}

std::size_t Store::clear(const std::function<bool(const Entry&)>& which) {
  std::size_t count = 0;
  for (Guarded& part : shards_) {
    const std::lock_guard lock(part.mutex);
    count += part.shard.clear(which);
  }
  return count;
}

void Store::visit(const std::function<void(const EntryPtr&, std::uint64_t hits)>& visitor) const {
  for (const Guarded& part : shards_) {
    const std::lock_guard lock(part.mutex);
    part.shard.visit(visitor);
  }
}

void Store::set_capacity(std::size_t bytes) {
  capacity_.store(bytes, std::memory_order_relaxed);
  for (Guarded& part : shards_) {
    const std::lock_guard lock(part.mutex);
    part.shard.set_capacity(bytes / kShards);
  }
}

Store::Figures Store::figures() const {
  Figures sum;
  for (const Guarded& part : shards_) {
    const std::lock_guard lock(part.mutex);
    sum.entries += part.shard.entries();
    sum.bytes += part.shard.bytes();
    sum.evicted += part.shard.evicted();
    sum.released += part.shard.released();
  }
  return sum;
}

}  // namespace forebay::cache
