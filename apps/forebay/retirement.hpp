#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "net/loop.hpp"
#include "pgfront/front.hpp"

namespace forebay {

/// The last part of a process's life after another has taken its listening sockets over: it takes no new
/// clients, and serves those that it has until they leave or timeouts.shutdown has passed. Used by the first
/// loop's thread.
class Retirement {
 public:
  /// `loop` and `front` outlive this.
  Retirement(net::Loop& loop, pgfront::Front& front);

 private:
  void look();

  net::Loop& loop_;
  pgfront::Front& front_;
  const Deadline deadline_;
  std::shared_ptr<std::atomic<std::size_t>> closed_;  ///< threads that accept no more
  net::Timer timer_;
};

}  // namespace forebay
