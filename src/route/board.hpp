#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>

#include "base/clock.hpp"
#include "route/topology.hpp"

namespace forebay::route {

/// Where the present topology hangs for all threads to read. Thread safe.
class Board {
 public:
  void publish(std::shared_ptr<const Topology> topology);
  /// Whether there is more than one server, so that there is anything to decide. Costs a load.
  bool has_choice() const { return has_choice_.load(std::memory_order_relaxed); }
  std::shared_ptr<const Topology> topology() const;
  /// This thread's copy of it, taken anew when there is another one. Valid until the next call.
  const Topology& here() const {
    return of_this_thread_.whose == this &&
                   of_this_thread_.version == version_.load(std::memory_order_acquire)
               ? *of_this_thread_.topology
               : take_anew();
  }

  /// Somebody waits for a replica to cover the present: whoever publishes is to hurry.
  void want_news();
  /// Whether somebody does, since this was last asked.
  bool take_wish() { return wished_.exchange(false); }
  /// `wake` is called when the first wish comes, by any thread. Null when nobody listens any more.
  void set_waker(std::function<void()> wake);

  /// When anybody's write through us was last acknowledged.
  TimePoint written_at() const { return written_at_.load(std::memory_order_acquire); }
  /// To be called before its client is told.
  void note_write(TimePoint now);

 private:
  /// What one thread read last. Owned by take_anew(): a pointer needs no look at whether it has been made.
  struct Copy {
    const Board* whose;
    std::uint64_t version;
    const Topology* topology;
  };

  const Topology& take_anew() const;

  static inline constinit thread_local Copy of_this_thread_{nullptr, 0, nullptr};

  std::atomic<std::uint64_t> version_ = 1;
  std::atomic<bool> has_choice_ = false;
  std::atomic<TimePoint> written_at_{TimePoint()};
  std::atomic<bool> wished_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<const Topology> topology_ = std::make_shared<const Topology>();  ///< guarded by mutex_
  std::function<void()> wake_;                                                     ///< guarded by mutex_
};

}  // namespace forebay::route
