#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/socket.hpp"
#include "pgfront/worker.hpp"

namespace forebay {

/// The sockets that applications connect to: opened by us, or passed by the service manager or a former
/// process. Used by the main thread.
class ListeningSockets {
 public:
  ListeningSockets() = default;
  ListeningSockets(const ListeningSockets&) = delete;
  ListeningSockets& operator=(const ListeningSockets&) = delete;
  /// Removes the files of Unix sockets, unless another process goes on listening on them.
  ~ListeningSockets();

  /// Takes over listening sockets that another process has opened; all of them are listened on. `files` has a
  /// letter for each, as files() gives; none: their files belong to others.
  Result<void> adopt(std::vector<net::Fd> passed, std::string_view files);
  /// Opens what the configuration asks for and has not been passed. Without `listen` in the configuration
  /// what was passed is enough.
  Result<void> open(const config::Settings& settings);
  /// The same for http.listen.
  Result<void> open_http(const config::Settings& settings);
  /// Lets go of them: whoever connects is refused once the workers have accepted those who wait and let go
  /// too, unless another process listens.
  void close() { sockets_.clear(); }
  /// The same, and the files of Unix sockets stay when this process ends: somebody else listens on them.
  void hand_over() {
    sockets_.clear();
    files_.clear();
  }

  const std::vector<pgfront::ListeningSocket>& all() const { return sockets_; }
  std::vector<int> descriptors() const;
  /// For each socket kRemoved when Forebay has opened it, so that its file (if it is a Unix socket) goes with
  /// the process that listens last; else kKept.
  std::string files() const;
  static constexpr char kRemoved = 'r', kKept = '-';
  /// "127.0.0.1:6432", "[::1]:6432" or the file of a Unix socket, for each.
  std::vector<std::string> names() const;

 private:
  bool has(const net::Address& wanted) const;
  Result<void> open_one(const config::ListenAddress& address, config::FileMode mode);

  std::vector<pgfront::ListeningSocket> sockets_;
  std::vector<std::string> files_;  ///< of Unix sockets that we are to remove
};

/// What `listen` says, or the address that stands for nothing said.
std::vector<config::ListenAddress> listen_addresses(const config::Settings& settings);

}  // namespace forebay
