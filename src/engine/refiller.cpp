#include "engine/refiller.hpp"

#include <algorithm>
#include <utility>

#include "engine/question.hpp"

namespace forebay::engine {

namespace {

/// So many questions of ours are under way at most, and in one pool one for so many of its backends.
constexpr std::size_t kAtOnce = 4;
constexpr std::uint32_t kBackendsToOne = 8;
/// How long what a write has ended waits to be noticed, while the database is in use.
constexpr Duration kLookInterval{20};
constexpr Duration kUse{2'000};

}  // namespace

Refiller::Refiller(net::Loop& loop, CacheDirectory& caches)
    : loop_(loop), caches_(caches), look_timer_([this] { look(); }), turn_timer_([this] { run_turn(); }) {}

void Refiller::sweep() {
  for (const auto& replay : replays_) replay->sweep(loop_.now());
  look();
}

void Refiller::look() {
  const TimePoint now = Clock::now();
  bool soon = false;
  for (const auto& cache : caches_.all()) {
    const bool is_watching = cache->refills().look(now);
    soon |= is_watching && now - cache->freshness().last_used() < kUse;
  }
  if (soon) look_timer_.start(loop_, kLookInterval);
  start_some();
}

void Refiller::start_some() {
  const auto caches = caches_.all();
  std::size_t in_vain = 0;
  while (replays_.size() < kAtOnce && in_vain < caches.size()) {
    next_ = (next_ + 1) % caches.size();
    in_vain = start_one(caches[next_]) ? 0 : in_vain + 1;
  }
}

/// False when this database wants nothing, or nothing that could begin now. Nothing is asked that could not
/// be kept, and so nothing that writes, wherever the question comes from; nor what somebody is asking
/// already.
bool Refiller::start_one(const std::shared_ptr<DatabaseCache>& cache) {
  auto refill = cache->refills().take(loop_);
  if (!refill) return false;
  auto pool = refill->asker.pool.lock();
  if (pool == nullptr || pool->generation() != refill->asker.pool_generation) return true;
  if (!has_room(*pool)) {
    cache->refills().put_back(std::move(*refill));
    return false;
  }
  const Question question = question_of(refill->key);
  const auto plan = cache->plan_of(question.text);
  if (plan == nullptr || !plan->refusal.empty() || cache->flights().is_led(refill->hash)) return true;
  replays_.push_back(
      std::make_unique<Replay>(*refill, question, std::move(pool), cache, [this] { schedule_turn(); }));
  replays_.back()->turn();
  return true;
}

/// Clients that wait for a backend come first, and most backends are left to them.
bool Refiller::has_room(const backend::Pool& pool) const {
  const auto ours =
      std::ranges::count_if(replays_, [&pool](const auto& replay) { return &replay->pool() == &pool; });
  const std::uint32_t most = std::max(pool.most_backends() / kBackendsToOne, 1U);
  return !pool.is_paused() && pool.waiting() == 0 && ours < most;
}

/// Not from inside a call of a session's.
void Refiller::schedule_turn() {
  if (!turn_timer_.is_running()) turn_timer_.start(loop_, Duration(0));
}

void Refiller::run_turn() {
  for (const auto& replay : replays_) replay->turn();
  if (std::erase_if(replays_, [](const auto& replay) { return replay->is_over(); }) > 0) start_some();
}

}  // namespace forebay::engine
