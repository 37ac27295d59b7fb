#pragma once

#include <functional>

#include "net/loop.hpp"
#include "net/socket.hpp"

namespace forebay {

/// The process's signals, which arrive through a descriptor in the first loop: SIGTERM and SIGINT end the
/// daemon, SIGHUP reloads it, SIGUSR2 starts the process that takes over. Made before the first thread, so
/// that no other gets them.
class Signals final : public net::Handler {
 public:
  struct Actions {
    std::function<void(const char* name)> stop;
    std::function<void()> reload;
    std::function<void()> replace;
  };

  /// `loop` outlives this.
  Signals(net::Loop& loop, Actions actions);
  ~Signals();

  void on_io(std::uint32_t events) override;

 private:
  net::Loop& loop_;
  const Actions actions_;
  net::Fd fd_;
};

}  // namespace forebay
