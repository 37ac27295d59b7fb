#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "backend/pool.hpp"

namespace forebay::backend {

/// How many backends are idle, and of these how many nobody lives in. In one number, so that a change of both
/// costs one atomic operation. Changed by one thread, read by any.
class IdleCounts {
 public:
  void add(bool is_free) { packed_.fetch_add(one(is_free)); }
  void remove(bool is_free) { packed_.fetch_sub(one(is_free)); }
  std::uint32_t idle() const { return static_cast<std::uint32_t>(packed_.load()); }
  std::uint32_t free() const { return static_cast<std::uint32_t>(packed_.load() >> 32U); }

 private:
  static std::uint64_t one(bool is_free) { return 1U | std::uint64_t{is_free} << 32U; }

  std::atomic<std::uint64_t> packed_ = 0;
};

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
  IdleCounts counts;
};

inline ListHook<BackendIdleTag>& idle_hook(Backend& backend) {
  return backend;
}

inline Duration since(TimePoint from, TimePoint now) {
  return std::chrono::duration_cast<Duration>(now - from);
}

}  // namespace forebay::backend
