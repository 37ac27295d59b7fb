#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.hpp"
#include "net/socket.hpp"

namespace forebay {

/// What systemd and its like want to know of a service, and give to it, without a library of theirs.
/// Protocols: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html,
/// https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html. Without $NOTIFY_SOCKET nothing
/// is sent. Used by the main thread.
class ServiceManager {
 public:
  /// Reads the environment and takes out of it what is meant for this process alone.
  ServiceManager();
  ~ServiceManager();

  /// The sockets that the service manager listens on for us (socket activation). Once.
  std::vector<net::Fd> take_sockets() { return std::move(sockets_); }

  /// Serving; `main_process` tells that this process is now the service's main one.
  void ready(std::string_view status, bool main_process);
  void reloading();
  void reloaded();
  void stopping(std::string_view status);
  /// Another process speaks for the service from now on.
  void fall_silent();

  /// Sends a sign of life, when one is asked for ($WATCHDOG_USEC), as long as every loop takes its turns.
  void watch(std::vector<net::Loop*> loops);

 private:
  void send(const std::string& state) const;
  void look_at_loops();

  std::string address_;  ///< of the notify socket; empty: nobody listens
  std::vector<net::Fd> sockets_;
  Duration watchdog_{0};
  std::vector<net::Loop*> loops_;
  std::shared_ptr<std::atomic<std::size_t>> answers_;  ///< loops that have taken a turn since the last look
  net::Timer timer_;
};

}  // namespace forebay
