#include "config/host_port.hpp"

#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "config/problem.hpp"

namespace forebay::config {
namespace {

bool is_ipv6(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  const std::string address =
      host.substr(0, host.find('%'));  // fe80::1%eth0: the zone is a name of this machine
  return inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
}

}  // namespace

Result<HostPort> split_host_port(std::string_view text, Range ports, std::string_view forms) {
  HostPort parts;
  std::size_t end = text.rfind(':');
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) {
      return complaint(fmt::format("{} has no closing bracket; {}", in_quotes(text), forms));
    }
    parts.host = text.substr(1, bracket - 1);
    parts.is_bracketed = true;
    end = bracket + 1 == text.size() ? std::string_view::npos : bracket + 1;
    if (!is_ipv6(parts.host) || (end != std::string_view::npos && text[end] != ':')) {
      return complaint(fmt::format("{} is no address; {}", in_quotes(text), forms));
    }
  } else if (!text.starts_with('/') && text.find(':') != end) {
    return complaint(fmt::format("{} is ambiguous; put an IPv6 address in brackets, for example [::1]:6432",
                                 in_quotes(text)));
  } else {
    parts.host = text.substr(0, end);
  }
  if (end == std::string_view::npos) return parts;
  const auto port = parse_count(text.substr(end + 1), ports);
  if (!port) return complaint(fmt::format("{}: the port {}", in_quotes(text), port.error().text));
  parts.port = static_cast<std::uint16_t>(*port);
  return parts;
}

std::string join_host_port(const std::string& host, std::uint16_t port) {
  const bool ipv6 = !host.starts_with('/') && host.find(':') != std::string::npos;
  return fmt::format("{}:{}", ipv6 ? "[" + host + "]" : host, port);
}

}  // namespace forebay::config
