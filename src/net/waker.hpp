#pragma once

#include "net/socket.hpp"

namespace forebay::net {

/// Wakes a thread that waits in poll() or epoll for other things as well. wake() by any thread; it counts
/// until clear(), also when nobody waits yet.
class Waker {
 public:
  /// Throws std::runtime_error when the process has no descriptor left.
  Waker();

  /// Readable from wake() to clear().
  int fd() const { return fd_.get(); }
  void wake() const;
  /// By the thread that waits, before it looks at what it was woken for.
  void clear() const;

 private:
  const Fd fd_;
};

}  // namespace forebay::net
