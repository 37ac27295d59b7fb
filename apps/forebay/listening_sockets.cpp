#include "listening_sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/values.hpp"

namespace forebay {

namespace {

/// More than this and clients are refused by the kernel while we are busy; the kernel caps it at somaxconn.
constexpr int kBacklog = 4096;

std::string file_of(const net::Address& address) {
  if (address.family() != AF_UNIX || address.length <= offsetof(sockaddr_un, sun_path)) return {};
  return reinterpret_cast<const sockaddr_un&>(address.storage).sun_path;
}

std::string name_of(const net::Address& address) {
  if (address.family() == AF_UNIX) return file_of(address);
  const std::string host = address.family() == AF_INET6 ? "[" + address.host() + "]" : address.host();
  return fmt::format("{}:{}", host, address.port());
}

bool same(const net::Address& wanted, const net::Address& bound) {
  if (wanted.family() != bound.family()) return false;
  if (wanted.family() == AF_UNIX) return file_of(wanted) == file_of(bound);
  return wanted.host() == bound.host() && (wanted.port() == 0 || wanted.port() == bound.port());
}

/// What to do about an address that cannot be listened on.
std::string advice(const config::ListenAddress& address, const std::string& error) {
  std::error_code ignored;
  const std::string& directory = address.unix_directory;
  if (!directory.empty() && !std::filesystem::exists(directory, ignored)) {
    return "; make the directory (systemd makes the one of RuntimeDirectory=)";
  }
  if (error != errno_text(EADDRINUSE)) return {};
  return "; if another Forebay serves there, --takeover takes its sockets over";
}

bool is_listening(int fd) {
  int listening = 0;
  socklen_t length = sizeof listening;
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 && listening != 0;
}

}  // namespace

std::vector<config::ListenAddress> listen_addresses(const config::Settings& settings) {
  if (!settings.listen.empty()) return settings.listen;
  return {config::ListenAddress{.host = "127.0.0.1", .port = 6432, .unix_directory = {}}};
}

ListeningSockets::~ListeningSockets() {
  for (const std::string& file : files_) ::unlink(file.c_str());
}

Result<void> ListeningSockets::adopt(std::vector<net::Fd> passed, std::string_view files) {
  for (std::size_t i = 0; i < passed.size(); ++i) {
    net::Fd& fd = passed[i];
    if (!is_listening(fd.get())) {
      return Error{ErrorCode::configuration,
                   "a descriptor that was passed to Forebay is not a listening socket; with systemd, use "
                   "Accept=no and "
                   "ListenStream= in the socket unit"};
    }
    ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
    const net::Address bound = net::local_address(fd.get());
    const bool is_unix = bound.family() == AF_UNIX;
    const bool is_ours = i < files.size() && files[i] == kRemoved;
    if (is_unix && is_ours) files_.push_back(file_of(bound));
    sockets_.push_back({std::make_shared<net::Fd>(std::move(fd)), is_unix, is_ours});
  }
  return {};
}

Result<void> ListeningSockets::open(const config::Settings& settings) {
  if (settings.listen.empty() && !sockets_.empty()) return {};
  for (const auto& address : listen_addresses(settings)) {
    if (auto opened = open_one(address, settings.unix_socket_mode); !opened) return opened.error();
  }
  return {};
}

Result<void> ListeningSockets::open_http(const config::Settings& settings) {
  for (const auto& address : settings.http.listen) {
    if (auto opened = open_one(address.place, {}); !opened) return opened.error();
  }
  return {};
}

bool ListeningSockets::has(const net::Address& wanted) const {
  return std::ranges::any_of(
      sockets_, [&](const auto& socket) { return same(wanted, net::local_address(socket.fd->get())); });
}

Result<void> ListeningSockets::open_one(const config::ListenAddress& address, config::FileMode mode) {
  const bool is_unix = !address.unix_directory.empty();
  const std::string& host = is_unix ? address.unix_directory : address.host;
  const auto found = net::resolve(host, address.port);
  if (!found) return found.error();
  const net::Address& at = found->front();
  if (has(at)) return {};
  auto fd = net::listen_on(at, kBacklog);
  if (!fd) {
    return Error{fd.error().code, fmt::format("cannot listen on {}: {}{}", config::to_text(address),
                                              fd.error().text, advice(address, fd.error().text))};
  }
  if (is_unix) {
    files_.push_back(file_of(at));
    ::chmod(files_.back().c_str(), mode.bits);
  }
  sockets_.push_back({std::make_shared<net::Fd>(std::move(*fd)), is_unix, true});
  return {};
}

std::vector<int> ListeningSockets::descriptors() const {
  std::vector<int> numbers;
  for (const auto& socket : sockets_) numbers.push_back(socket.fd->get());
  return numbers;
}

std::string ListeningSockets::files() const {
  std::string letters;
  for (const auto& socket : sockets_) letters += socket.is_ours ? kRemoved : kKept;
  return letters;
}

std::vector<std::string> ListeningSockets::names() const {
  std::vector<std::string> texts;
  for (const auto& socket : sockets_) texts.push_back(name_of(net::local_address(socket.fd->get())));
  return texts;
}

}  // namespace forebay
