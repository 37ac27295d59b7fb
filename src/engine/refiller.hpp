#pragma once

#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "engine/cache_directory.hpp"
#include "engine/replay.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

/// Does what every database's Refills want, a few at a time and only where no client waits for a backend.
/// One for the process, on the loop that it is used by.
class Refiller {
 public:
  /// Both outlive it.
  Refiller(net::Loop& loop, CacheDirectory& caches);

  /// Timed work: every tenth of a second or so, by itself more often while anything is watched.
  void sweep();

 private:
  void look();
  void schedule_turn();
  void run_turn();
  void start_some(const std::shared_ptr<DatabaseCache>& cache);
  void start(const std::shared_ptr<DatabaseCache>& cache, const Refill& refill);
  bool is_wanted_by_clients(const backend::Pool& pool) const;

  net::Loop& loop_;
  CacheDirectory& caches_;
  std::vector<std::unique_ptr<Replay>> replays_;
  net::Timer look_timer_;
  net::Timer turn_timer_;
};

}  // namespace forebay::engine
