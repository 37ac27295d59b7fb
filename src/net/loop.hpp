#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <sys/epoll.h>

#include "base/clock.hpp"
#include "net/send_batch.hpp"
#include "net/waker.hpp"

namespace forebay::net {

/// Something that owns a file descriptor in a Loop and is told when it is ready.
class Handler {
 public:
  /// `events` is a set of EPOLL* bits. The handler may remove and destroy itself or any other handler
  /// meanwhile.
  virtual void on_io(std::uint32_t events) = 0;

 protected:
  ~Handler() = default;
};

/// Told how long a round of a Loop took, up to when everything of it had been sent.
class RoundWatcher {
 public:
  virtual void on_round_end(std::uint64_t micros) = 0;

 protected:
  ~RoundWatcher() = default;
};

class Loop;

/// A one-shot timer. Destroying or cancelling it takes it out; it never fires afterwards. Used by its loop's
/// thread only.
class Timer {
 public:
  explicit Timer(std::function<void()> on_expiry) : on_expiry_(std::move(on_expiry)) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  void start(Loop& loop, Duration delay);
  void cancel();
  bool is_running() const { return loop_ != nullptr; }

 private:
  friend class Loop;

  std::function<void()> on_expiry_;
  Loop* loop_ = nullptr;
  std::multimap<TimePoint, Timer*>::iterator place_;
};

/// One epoll instance and the thread that runs it. Level triggered: a handler that leaves bytes unread is
/// told again.
///
/// Why not Boost.Asio: see docs/decisions/0003-event-loop.md.
///
/// Thread safety: post() and stop() from anywhere; all else from the loop's own thread.
class Loop {
 public:
  explicit Loop(SendBatch::Way sending = SendBatch::Way::automatic);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// Runs until stop(). Handlers must outlive their registration.
  void run();
  /// When run() has ended: drops what was posted and deferred and will not be run, with all that it holds on
  /// to, which may need others that go before the loop does.
  void forget_tasks();
  void stop();

  /// The loop that this thread runs, or null.
  static Loop* current();

  /// False, with errno, when the kernel has no room for another (fs.epoll.max_user_watches).
  [[nodiscard]] bool try_add(int fd, std::uint32_t events, Handler& handler);
  /// For what the process cannot do without: throws when the kernel has no room.
  void add(int fd, std::uint32_t events, Handler& handler);
  void modify(int fd, std::uint32_t events, Handler& handler);
  /// Must come before the descriptor is closed. Events that are already fetched for it are dropped.
  void remove(int fd, Handler& handler);

  /// Runs `task` on the loop's thread: in this round when that has not looked at posted tasks yet, else in
  /// the next; before or after other events.
  void post(std::function<void()> task);
  /// Runs `task` at the end of the present round, on this thread: the place to destroy what is on the call
  /// stack.
  void defer(std::function<void()> task);

  /// The time at the start of the present round: good to within one round, and free.
  TimePoint now() const { return now_; }

  /// Once, about the present round; the watcher lives on until then.
  void watch_round(RoundWatcher& watcher) { round_watchers_.push_back(&watcher); }

  /// 64 KiB that belong to whoever handles the present event, until it returns. Every connection of the loop
  /// reads into it, so that an idle connection needs no buffer of its own.
  static constexpr std::size_t kScratchSize = 64 * 1024;
  std::byte* scratch() { return scratch_->data(); }

  /// What goes out at the end of the present round.
  SendBatch& sends() { return *sends_; }

 private:
  friend class Timer;

  int wait_milliseconds(TimePoint now) const;
  void end_round(TimePoint now);
  void run_events(int count);
  void run_timers();
  void run_posted();
  void run_deferred();

  const int epoll_fd_;
  const Waker waker_;
  std::unique_ptr<std::array<std::byte, kScratchSize>> scratch_;
  const std::unique_ptr<SendBatch> sends_;

  TimePoint now_ = Clock::now();
  std::array<epoll_event, 256> events_{};
  int next_event_ = 0;
  int event_count_ = 0;
  std::multimap<TimePoint, Timer*> timers_;
  std::vector<std::function<void()>> deferred_;
  std::vector<RoundWatcher*> round_watchers_;
  std::atomic<bool> stopping_ = false;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  ///< guarded by mutex_
};

}  // namespace forebay::net
