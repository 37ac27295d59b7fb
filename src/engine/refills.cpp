#include "engine/refills.hpp"

#include <utility>

namespace forebay::engine {

void Refills::ask_for(Asker asker, const cache::Entry& entry) {
  const std::lock_guard lock(mutex_);
  push(std::move(asker), std::string(entry.key()), entry.hash());
}

bool Refills::ask_for(Asker asker, std::string key) {
  const std::uint64_t hash = cache::key_hash(key);
  const std::lock_guard lock(mutex_);
  return push(std::move(asker), std::move(key), hash);
}

/// What is too long never finds room, and nobody is to come back with it.
bool Refills::push(Asker asker, std::string key, std::uint64_t hash) {
  if (waiting_.size() == kMostWaiting) return false;
  if (key.size() <= kLongestKey) waiting_.push_back({std::move(asker), std::move(key), hash});
  return true;
}

void Refills::watch(Asker asker, const cache::EntryPtr& entry) {
  const std::lock_guard lock(mutex_);
  if (watched_.size() == kMostWatched) watched_.pop_front();
  watched_.push_back({std::move(asker), entry});
  watched_count_ = watched_.size();
}

void Refills::look(TimePoint now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(watched_, [this, now](const Watched& watched) { return has_ended(watched, now); });
  watched_count_ = watched_.size();
}

/// What nobody has in memory any more has been replaced or evicted. What is not asked for any more ends by
/// its lifetime. A fill that cannot see the change yet would be in vain.
bool Refills::has_ended(const Watched& watched, TimePoint now) {
  const cache::EntryPtr entry = watched.entry.lock();
  if (entry == nullptr || now >= entry->expires()) return true;
  if (!entry->is_dead(now) || !entry->can_be_replaced()) return false;
  push(watched.asker, std::string(entry->key()), entry->hash());
  return true;
}

std::optional<Refill> Refills::take() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  std::optional<Refill> next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

}  // namespace forebay::engine
