#include "takeover_channel.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listening_sockets.hpp"

namespace forebay::takeover {

namespace {

/// Longest text of a message, and most descriptors with it.
constexpr std::size_t kMostText = 256;
constexpr std::size_t kMostDescriptors = 64;

using Control = std::array<std::byte, CMSG_SPACE(kMostDescriptors * sizeof(int))>;

/// Where files of a running service belong: what systemd made for it, the user's own, or the system's for
/// root.
std::string runtime_folder() {
  for (const char* name : {"RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string folders = value;
    return folders.substr(0, folders.find(':'));
  }
  return ::geteuid() == 0 ? "/run" : "";
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{ErrorCode::configuration,
                 fmt::format("the takeover socket \"{}\" has a path of more than {} bytes; set "
                             "takeover_socket to a shorter one",
                             path, sizeof address.sun_path - 1)};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

ucred peer(int fd) {
  ucred credentials{.pid = 0, .uid = static_cast<uid_t>(-1), .gid = 0};
  socklen_t length = sizeof credentials;
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length);
  return credentials;
}

std::vector<net::Fd> descriptors_in(msghdr& header) {
  std::vector<net::Fd> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, kMostDescriptors> numbers{};
    const std::size_t bytes = part->cmsg_len - CMSG_LEN(0);
    std::memcpy(numbers.data(), CMSG_DATA(part), bytes);
    for (std::size_t i = 0; i < bytes / sizeof(int); ++i) found.emplace_back(numbers[i]);
  }
  return found;
}

}  // namespace

std::string socket_path(const config::Settings& settings) {
  if (!settings.takeover_socket.empty()) return settings.takeover_socket;
  const std::string folder = runtime_folder();
  const std::uint16_t port = listen_addresses(settings).front().port;
  if (folder.empty() || port == 0) return {};
  return fmt::format("{}/forebay.takeover.{}.sock", folder, port);
}

bool send(int fd, std::string_view text, std::span<const int> descriptors) {
  if (descriptors.size() > kMostDescriptors) return false;
  iovec part{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  alignas(cmsghdr) Control control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  return ::sendmsg(fd, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

std::optional<Message> receive(int fd) {
  std::array<char, kMostText> text{};
  iovec part{.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) Control control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  Message message;
  if (size <= 0) return message;
  message.descriptors = descriptors_in(header);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
    message.text.assign(text.data(), static_cast<std::size_t>(size));
  return message;
}

bool is_same_user(int fd) {
  return peer(fd).uid == ::geteuid();
}

pid_t peer_process(int fd) {
  return peer(fd).pid;
}

Result<net::Fd> listen_at(const std::string& path, pid_t predecessor) {
  auto present = connect_to(path);
  if (!present) return present.error();
  if (*present && peer_process((*present)->get()) != predecessor) {
    return Error{
        ErrorCode::configuration,
        fmt::format(
            "the takeover socket {} belongs to process {}, which is running; start with --takeover to "
            "replace it, or set another takeover_socket",
            path, peer_process((*present)->get()))};
  }
  // Made beside and renamed: there is no moment without a socket.
  const std::string made = fmt::format("{}.{}", path, ::getpid());
  auto address = address_of(made);
  if (!address) return address.error();
  net::Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  ::unlink(made.c_str());
  const mode_t before = ::umask(0177);
  const bool bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0;
  ::umask(before);
  if (!bound || ::listen(fd.get(), 4) != 0 || std::rename(made.c_str(), path.c_str()) != 0) {
    const std::string why = errno_text(errno);
    ::unlink(made.c_str());
    return Error{ErrorCode::io, fmt::format("the takeover socket {} cannot be made: {}", path, why)};
  }
  return fd;
}

Result<std::optional<net::Fd>> connect_to(const std::string& path) {
  auto address = address_of(path);
  if (!address) return address.error();
  net::Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0)
    return std::optional(std::move(fd));
  if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<net::Fd>();
  return Error{ErrorCode::io,
               fmt::format("the takeover socket {} cannot be reached: {}", path, errno_text(errno))};
}

}  // namespace forebay::takeover
