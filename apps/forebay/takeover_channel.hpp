#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/socket.hpp"

/// The Unix socket between a running process and the one that takes over from it: where it is, who may use
/// it, and how a message is sent. A message is one packet of text, with descriptors or without. See
/// docs/decisions/0006-online-restart.md.
namespace forebay::takeover {

/// The file of the socket: what the configuration says, else one that is derived from the first port in the
/// runtime folder. Empty when there is neither.
std::string socket_path(const config::Settings& settings);

struct Message {
  std::string text;
  std::vector<net::Fd> descriptors;
};

/// False when the peer is gone.
bool send(int fd, std::string_view text, std::span<const int> descriptors = {});
/// An empty text when the peer is gone or sent what is no message; nothing when there is none yet.
std::optional<Message> receive(int fd);

/// Whether the other end runs as the same user.
bool is_same_user(int fd);

/// Listens at `path`, in place of a former process if there was one. ErrorCode::configuration when a process
/// that is not `predecessor` listens there; 0 when there is none.
Result<net::Fd> listen_at(const std::string& path, pid_t predecessor);
/// The process that listens at `path`, connected. Nothing when nobody does.
Result<std::optional<net::Fd>> connect_to(const std::string& path);
pid_t peer_process(int fd);

}  // namespace forebay::takeover
