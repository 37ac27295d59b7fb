#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "config/values.hpp"

namespace forebay::config {

/// The parts of HOST[:PORT], [IPV6][:PORT] or DIRECTORY[:PORT].
struct HostPort {
  std::string host;                   ///< without the brackets; may be empty, and may be no host at all
  std::optional<std::uint16_t> port;  ///< nothing: none was given
  bool is_bracketed = false;          ///< then the host is an IPv6 address
};

/// `ports`: what the port may be. `forms`: what may be written, for the error's text.
Result<HostPort> split_host_port(std::string_view text, Range ports, std::string_view forms);
/// The other way round.
std::string join_host_port(const std::string& host, std::uint16_t port);

}  // namespace forebay::config
