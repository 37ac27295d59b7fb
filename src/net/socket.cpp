#include "net/socket.hpp"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

namespace forebay::net {

namespace {

template <class T>
const T& as(const sockaddr_storage& storage) {
  return reinterpret_cast<const T&>(storage);
}

const sockaddr* raw(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}

Result<Address> unix_address(const std::string& directory, std::uint16_t port) {
  const std::string path = fmt::format("{}/.s.PGSQL.{}", directory, port);
  Address address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.size() >= sizeof un.sun_path) {
    return Error{ErrorCode::invalid_input,
                 fmt::format("the Unix socket path \"{}\" is longer than {} bytes; use a shorter directory",
                             path, sizeof un.sun_path - 1)};
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

Result<std::vector<Address>> look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  const int code = getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found);
  if (code != 0) {
    return Error{ErrorCode::invalid_input,
                 fmt::format("host \"{}\" could not be resolved: {}", host, gai_strerror(code))};
  }
  std::vector<Address> addresses;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Address& address = addresses.emplace_back();
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.length = each->ai_addrlen;
  }
  freeaddrinfo(found);
  return addresses;
}

void set_option(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  switch (family()) {
    case AF_INET:
      return inet_ntop(AF_INET, &as<sockaddr_in>(storage).sin_addr, text, sizeof text);
    case AF_INET6:
      return inet_ntop(AF_INET6, &as<sockaddr_in6>(storage).sin6_addr, text, sizeof text);
    default:
      return "unix";
  }
}

std::uint16_t Address::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(as<sockaddr_in>(storage).sin_port);
    case AF_INET6:
      return ntohs(as<sockaddr_in6>(storage).sin6_port);
    default:
      return 0;
  }
}

bool Address::is_local() const {
  switch (family()) {
    case AF_INET:
      return (ntohl(as<sockaddr_in>(storage).sin_addr.s_addr) >> 24) == 127;
    case AF_INET6: {
      const in6_addr& at = as<sockaddr_in6>(storage).sin6_addr;
      return IN6_IS_ADDR_LOOPBACK(&at) || (IN6_IS_ADDR_V4MAPPED(&at) && at.s6_addr[12] == 127);
    }
    default:
      return true;
  }
}

Result<Address> numeric_address(const std::string& host, std::uint16_t port) {
  if (host.starts_with('/')) return unix_address(host, port);
  auto found = look_up(host == "localhost" ? "127.0.0.1" : host, port, AI_NUMERICHOST);
  if (!found) return found.error();
  return found->front();
}

Result<std::vector<Address>> resolve(const std::string& host, std::uint16_t port) {
  if (!host.starts_with('/')) return look_up(host, port, 0);
  auto address = unix_address(host, port);
  if (!address) return address.error();
  return std::vector{*address};
}

Result<Fd> start_connect(const Address& to) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Error{ErrorCode::io, "socket: " + errno_text(errno)};
  if (to.family() != AF_UNIX) tune_tcp(fd.get());
  if (::connect(fd.get(), raw(to), to.length) != 0 && errno != EINPROGRESS) {
    return Error{ErrorCode::unavailable, errno_text(errno)};
  }
  return fd;
}

int connect_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

Result<Fd> listen_on(const Address& at, int backlog) {
  Fd fd(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Error{ErrorCode::io, "socket: " + errno_text(errno)};
  if (at.family() == AF_UNIX) {
    const char* path = as<sockaddr_un>(at.storage).sun_path;
    // A socket file that nobody listens on is left over from a process that was killed.
    if (auto probe = start_connect(at); probe.has_error()) ::unlink(path);
  } else {
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (at.family() == AF_INET6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  }
  if (::bind(fd.get(), raw(at), at.length) != 0 || ::listen(fd.get(), backlog) != 0) {
    return Error{ErrorCode::io, errno_text(errno)};
  }
  return fd;
}

Address local_address(int fd) {
  Address address;
  address.length = sizeof address.storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length);
  return address;
}

Address peer_address(int fd) {
  Address address;
  address.length = sizeof address.storage;
  getpeername(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length);
  return address;
}

void tune_tcp(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 6);
}

}  // namespace forebay::net
