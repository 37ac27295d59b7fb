#pragma once

#include <string>
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

  /// Who removes the file of a Unix socket that was passed.
  enum class Files { ours, others };
  /// Takes over listening sockets that another process has opened; all of them are listened on.
  Result<void> adopt(std::vector<net::Fd> passed, Files files);
  /// Opens what the configuration asks for and has not been passed. Without `listen` in the configuration
  /// what was passed is enough.
  Result<void> open(const config::Settings& settings);
  /// The files of Unix sockets stay when this process ends: somebody else listens on them.
  void leave_files() { files_.clear(); }

  const std::vector<pgfront::ListeningSocket>& all() const { return sockets_; }
  std::vector<int> descriptors() const;
  /// "127.0.0.1:6432", "[::1]:6432" or the file of a Unix socket, for each.
  std::vector<std::string> names() const;

 private:
  bool has(const net::Address& wanted) const;
  Result<void> open_one(const config::ListenAddress& address);

  std::vector<pgfront::ListeningSocket> sockets_;
  std::vector<std::string> files_;  ///< of Unix sockets that we are to remove
};

/// What `listen` says, or the address that stands for nothing said.
std::vector<config::ListenAddress> listen_addresses(const config::Settings& settings);

}  // namespace forebay
