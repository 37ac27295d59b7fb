#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "engine/cache_directory.hpp"
#include "engine/replay.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

/// Does what the Refills of all databases want on its loop, a few at a time, from every database in its turn,
/// and only where no client waits for a backend.
class Refiller {
 public:
  /// Both outlive it.
  Refiller(net::Loop& loop, CacheDirectory& caches);

  /// Timed work: every tenth of a second or so, by itself more often while anything is watched and in use.
  void sweep();

 private:
  void look();
  void schedule_turn();
  void run_turn();
  void start_some();
  bool start_one(const std::shared_ptr<DatabaseCache>& cache);
  bool has_room(const backend::Pool& pool) const;

  net::Loop& loop_;
  CacheDirectory& caches_;
  std::size_t next_ = 0;  ///< of the databases, whose turn it is
  net::Timer look_timer_;
  net::Timer turn_timer_;
  std::vector<std::unique_ptr<Replay>> replays_;  ///< last: they start the timer
};

}  // namespace forebay::engine
