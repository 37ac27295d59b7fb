#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include "base/result.hpp"

namespace forebay::net {

/// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// A resolved socket address, TCP or Unix.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  int family() const { return storage.ss_family; }
  /// "127.0.0.1", "::1" or "unix".
  std::string host() const;
  std::uint16_t port() const;
  /// Loopback or a Unix socket: bytes that do not leave the machine.
  bool is_local() const;
};

/// `host` is a numeric address or, when it starts with '/', the directory of a Unix socket.
/// Never blocks; a name that would need a look-up gives ErrorCode::invalid_input.
Result<Address> numeric_address(const std::string& host, std::uint16_t port);
/// All addresses of a name, the best first; never none. May block for seconds.
Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port);

/// Starts a non-blocking connect. The socket is writable when it is done; then connect_error() tells the
/// outcome.
Result<Fd> start_connect(const Address& to);
/// 0 or an errno value.
int connect_error(int fd);

/// A non-blocking listening socket.
Result<Fd> listen_on(const Address& at, int backlog);
Address local_address(int fd);
Address peer_address(int fd);

/// Sends small messages at once and notices dead peers (keepalive after 60 s, probes every 10 s, six of
/// them).
void tune_tcp(int fd);

}  // namespace forebay::net
