#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace forebay::pgfront {

/// A thread for work that may block (files, name resolution), one piece after another. It starts with the
/// first piece. Thread safe.
class BackgroundThread {
 public:
  BackgroundThread() = default;
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;
  ~BackgroundThread() { stop(); }

  void run(std::function<void()> work);
  /// Waits for the piece at hand, drops those that wait, and takes no more.
  void stop();

 private:
  void work_until_stopped();

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::function<void()>> queue_;  ///< guarded by mutex_
  bool stopping_ = false;                    ///< guarded by mutex_
  std::thread thread_;                       ///< guarded by mutex_ until the destructor
};

}  // namespace forebay::pgfront
