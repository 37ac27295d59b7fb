#include "engine/refiller.hpp"

#include <algorithm>
#include <utility>

#include "engine/question.hpp"

namespace forebay::engine {

namespace {

/// So many questions of ours are under way at most.
constexpr std::size_t kAtOnce = 4;
/// How long what a write has ended waits to be noticed.
constexpr Duration kLookInterval{20};

}  // namespace

Refiller::Refiller(net::Loop& loop, CacheDirectory& caches)
    : loop_(loop), caches_(caches), look_timer_([this] { look(); }), turn_timer_([this] { run_turn(); }) {}

void Refiller::sweep() {
  for (const auto& replay : replays_) replay->sweep(loop_.now());
  look();
}

void Refiller::look() {
  bool is_watching = false;
  for (const auto& cache : caches_.all()) {
    cache->refills().look(Clock::now());
    is_watching |= cache->refills().is_watching();
    start_some(cache);
  }
  if (is_watching) look_timer_.start(loop_, kLookInterval);
}

void Refiller::start_some(const std::shared_ptr<DatabaseCache>& cache) {
  while (replays_.size() < kAtOnce) {
    const auto refill = cache->refills().take();
    if (!refill) return;
    start(cache, *refill);
  }
}

/// Nothing is asked that could not be kept, and so nothing that writes, wherever the question comes from.
/// What somebody is asking already need not be asked. Clients that wait for a backend come first: what they
/// are in the way of is left to whoever asks for it.
void Refiller::start(const std::shared_ptr<DatabaseCache>& cache, const Refill& refill) {
  auto pool = refill.asker.pool.lock();
  const auto plan = cache->plan_of(question_of(refill.key).text);
  if (plan == nullptr || !plan->refusal.empty()) return;
  if (pool == nullptr || is_wanted_by_clients(*pool) || cache->flights().is_led(refill.hash)) return;
  replays_.push_back(std::make_unique<Replay>(refill, std::move(pool), cache, [this] { schedule_turn(); }));
  replays_.back()->turn();
}

bool Refiller::is_wanted_by_clients(const backend::Pool& pool) const {
  const auto ours =
      std::ranges::count_if(replays_, [&pool](const auto& replay) { return replay->waits_for(pool); });
  return pool.waiting() > ours;
}

/// Not from inside a call of a session's.
void Refiller::schedule_turn() {
  if (!turn_timer_.is_running()) turn_timer_.start(loop_, Duration(0));
}

void Refiller::run_turn() {
  for (const auto& replay : replays_) replay->turn();
  if (std::erase_if(replays_, [](const auto& replay) { return replay->is_over(); }) == 0) return;
  for (const auto& cache : caches_.all()) start_some(cache);
}

}  // namespace forebay::engine
