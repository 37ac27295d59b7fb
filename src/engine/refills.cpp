#include "engine/refills.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace forebay::engine {

namespace {

Refill refill_of(Asker asker, const cache::Entry& entry) {
  const auto took = std::chrono::duration_cast<Duration>(std::chrono::microseconds(entry.fill_micros()));
  return {std::move(asker), std::string(entry.key()), entry.hash(), took};
}

}  // namespace

void Refills::ask_for(Asker asker, const cache::Entry& entry) {
  const std::lock_guard lock(mutex_);
  push(refill_of(std::move(asker), entry));
}

bool Refills::ask_for(Asker asker, std::string key, std::uint64_t hash) {
  const std::lock_guard lock(mutex_);
  return push({std::move(asker), std::move(key), hash});
}

/// What is too long never finds room, and nobody is to come back with it.
bool Refills::push(Refill refill) {
  if (waiting_.size() >= kMostWaiting) return false;
  if (refill.key.size() <= kLongestKey) waiting_.push_back(std::move(refill));
  return true;
}

void Refills::watch(Asker asker, const cache::EntryPtr& entry) {
  if (entry->key().size() > kLongestKey) return;
  const std::lock_guard lock(mutex_);
  if (watched_.size() == kMostWatched) watched_.pop_front();
  watched_.push_back({std::move(asker), entry});
}

bool Refills::look(TimePoint now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(watched_, [this, now](const Watched& watched) { return has_ended(watched, now); });
  return !watched_.empty();
}

/// What nobody has in memory any more has been replaced or evicted. What is not asked for any more ends by
/// its lifetime. A fill that cannot see the change yet would be in vain.
bool Refills::has_ended(const Watched& watched, TimePoint now) {
  const cache::EntryPtr entry = watched.entry.lock();
  if (entry == nullptr || now >= entry->expires()) return true;
  if (!entry->is_dead(now) || !entry->can_be_replaced()) return false;
  push(refill_of(watched.asker, *entry));
  return true;
}

std::optional<Refill> Refills::take(const net::Loop& loop) {
  const std::lock_guard lock(mutex_);
  const auto next =
      std::ranges::find(waiting_, &loop, [](const Refill& refill) { return refill.asker.loop; });
  if (next == waiting_.end()) return std::nullopt;
  std::optional<Refill> taken = std::move(*next);
  waiting_.erase(next);
  return taken;
}

void Refills::put_back(Refill refill) {
  const std::lock_guard lock(mutex_);
  waiting_.push_front(std::move(refill));
}

}  // namespace forebay::engine
