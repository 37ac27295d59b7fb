#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "first_look.hpp"
#include "http/server.hpp"
#include "listening_sockets.hpp"
#include "net/loop.hpp"
#include "pgfront/front.hpp"
#include "pgfront/worker.hpp"
#include "retirement.hpp"
#include "serve.hpp"
#include "service_manager.hpp"
#include "signals.hpp"
#include "takeover.hpp"

namespace forebay {

/// The parts of one process and how they are wired. Used by the main thread, which runs the first loop.
class Daemon {
 public:
  explicit Daemon(const ServeOptions& options);
  ~Daemon();

  /// Takes the configuration into use and gets the listening sockets, from whoever has them.
  Result<void> start();
  /// Serves until told to stop.
  void run();

 private:
  Result<void> find_predecessor();
  Result<void> get_sockets();
  void serve_http();
  /// In the first loop, once every thread accepts.
  void on_running();
  void await_successor(pid_t predecessor);

  void stop(const char* why);
  void close_listeners();
  void reload();
  void replace();
  void hand_over(pid_t successor);

  const ServeOptions& options_;
  const std::string takeover_path_;
  const std::vector<std::unique_ptr<net::Loop>> loops_;
  const std::vector<net::Loop*> loop_pointers_;
  Signals signals_;  ///< before whatever starts a thread
  ServiceManager manager_;
  std::unique_ptr<takeover::Predecessor> predecessor_;
  ListeningSockets sockets_;
  ListeningSockets http_sockets_;
  pgfront::Front front_;
  std::vector<std::unique_ptr<pgfront::Worker>> workers_;
  std::optional<FirstLook> first_look_;  ///< gone before the loop stops, which a backend needs to be let go
  std::unique_ptr<takeover::Successor> successor_;
  std::optional<Retirement> retirement_;
  std::optional<http::Server> http_;
};

}  // namespace forebay
