#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "backend/pool.hpp"

namespace forebay::backend {

/// One thread's part of the pool; used by that thread alone, but for the atomics.
struct Pool::Shard {
  std::vector<std::unique_ptr<Backend>> owned;
  IntrusiveList<Backend, BackendAllTag> all;
  IntrusiveList<Backend, BackendIdleTag> idle;  ///< most recently used first
  IntrusiveList<Holder, HeldTag> holders;
  TimePoint retry_at = TimePoint::min();  ///< the server was away: not to be asked before
  std::optional<Login::Refusal> trouble;  ///< why no backend could be opened, since one was last
  PoolCounters counters;
  PoolRulesPtr rules;
  std::atomic<std::uint32_t> idle_count = 0;
  std::atomic<std::uint32_t> free_count = 0;  ///< of the idle, those that nobody lives in
};

inline ListHook<BackendIdleTag>& idle_hook(Backend& backend) {
  return backend;
}

inline Duration since(TimePoint from, TimePoint now) {
  return std::chrono::duration_cast<Duration>(now - from);
}

}  // namespace forebay::backend
