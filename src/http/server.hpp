#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/socket.hpp"
#include "pgfront/front.hpp"

namespace forebay::http {

/// Answers HTTP/1.1, with or without TLS by the same rules as for clients, on one thread of its own. The
/// threads of clients are asked for what only they know, one short task each.
///
/// Whatever is sent, each connection has bounds in bytes and in time, and there are so many connections at
/// most; server.cpp has the figures.
class Server {
 public:
  /// Takes connections from `sockets`, which listen, at once. `front` outlives this object; its loops may end
  /// before, but not go, while tasks for them are left.
  Server(pgfront::Front& front, const std::vector<std::shared_ptr<net::Fd>>& sockets);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes no more, and ends each connection with its next reply: another process listens now. By any thread.
  void hand_over();
  /// Ends the thread, and all connections with it.
  void stop();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace forebay::http
