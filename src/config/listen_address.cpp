#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/problem.hpp"
#include "config/values.hpp"

namespace forebay::config {
namespace {

constexpr std::string_view kForms =
    "write HOST:PORT, [IPV6]:PORT or unix:DIRECTORY[:PORT], for example 127.0.0.1:6432, [::1]:6432 or "
    "unix:/run/forebay";

constexpr std::string_view kUnix = "unix:";

/// sockaddr_un holds 108 bytes with the closing zero; the file is DIRECTORY/.s.PGSQL.65535.
constexpr std::size_t kLongestDirectory = 107 - std::string_view("/.s.PGSQL.65535").size();

bool is_ipv4(const std::string& host) {
  std::array<unsigned char, 4> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1;
}

bool is_ipv6(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  const std::string address =
      host.substr(0, host.find('%'));  // fe80::1%eth0: the zone is a name of this machine
  return inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
}

/// A host name, or something that looks like an IPv4 address and is one.
bool is_host(const std::string& host) {
  const auto all = [&host](auto allowed) { return std::all_of(host.begin(), host.end(), allowed); };
  if (host.empty() || host.size() > 253) return false;
  if (all([](char c) { return is_digit(c) || c == '.'; })) return is_ipv4(host);
  return all([](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_'; });
}

Result<std::uint16_t> parse_port(std::string_view text, std::uint64_t least) {
  const auto port = parse_count(text, {least, 65535});
  if (!port) return complaint("the port " + port.error().text);
  return static_cast<std::uint16_t>(*port);
}

Result<ListenAddress> parse_unix(std::string_view whole, std::string_view rest, std::uint16_t default_port) {
  ListenAddress address;
  address.port = default_port;
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos) {
    const auto port = parse_port(rest.substr(colon + 1), 1);
    if (!port) return complaint(fmt::format("{}: {}", in_quotes(whole), port.error().text));
    address.port = *port;
    rest = rest.substr(0, colon);
  }
  address.unix_directory = std::string(rest);
  if (!rest.starts_with('/')) {
    return complaint(
        fmt::format("{} does not name a directory from the root; write unix:/run/forebay", in_quotes(whole)));
  }
  if (rest.find("/.s.PGSQL.") != std::string_view::npos) {
    return complaint(fmt::format(
        "{} names a socket file; give its directory, and the port after a colon unless it is 6432",
        in_quotes(whole)));
  }
  if (rest.size() > kLongestDirectory) {
    return complaint(fmt::format("{} is too long for a Unix socket; the directory may have {} bytes",
                                 in_quotes(whole), kLongestDirectory));
  }
  return address;
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view given, std::uint16_t default_port) {
  const std::string_view text = trimmed(given);
  if (text.starts_with(kUnix)) return parse_unix(text, text.substr(kUnix.size()), default_port);
  if (text.starts_with('/')) {
    return complaint(fmt::format("{} looks like a Unix socket; write unix:{}", in_quotes(text), text));
  }

  ListenAddress address;
  address.port = default_port;
  std::string_view port_text;
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) {
      return complaint(fmt::format("{} has no closing bracket; {}", in_quotes(text), kForms));
    }
    address.host = std::string(text.substr(1, end - 1));
    port_text = text.substr(end + 1);
  } else if (std::count(text.begin(), text.end(), ':') > 1) {
    return complaint(fmt::format("{} is ambiguous; put an IPv6 address in brackets, for example [::1]:6432",
                                 in_quotes(text)));
  } else {
    const auto colon = text.find(':');
    address.host = std::string(text.substr(0, colon));
    port_text = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }

  if (!port_text.empty()) {
    if (port_text.front() != ':') {
      return complaint(fmt::format("{} is no address; {}", in_quotes(text), kForms));
    }
    const auto port = parse_port(port_text.substr(1), 0);
    if (!port) return complaint(fmt::format("{}: {}", in_quotes(text), port.error().text));
    address.port = *port;
  }
  if (address.host == "*" || (address.host.empty() && !text.empty())) {
    return complaint(
        fmt::format("{} names no address; write 0.0.0.0:{} for every IPv4 address, [::]:{} for every IPv6 "
                    "address, or 127.0.0.1:{} for this machine only",
                    in_quotes(text), address.port, address.port, address.port));
  }
  if (bracketed ? !is_ipv6(address.host) : !is_host(address.host)) {
    return complaint(fmt::format("{} is no address; {}", in_quotes(text), kForms));
  }
  return address;
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  return parse_listen_address(text, ListenAddress().port);
}

Result<HttpAddress> parse_http_address(std::string_view text) {
  constexpr std::uint16_t kPort = 9187;
  auto address = parse_listen_address(text, kPort);
  if (!address) return address.error();
  if (!address->unix_directory.empty())
    return complaint(fmt::format("{} is a Unix socket; HTTP is served by TCP only", in_quotes(text)));
  return HttpAddress{std::move(*address)};
}

std::string to_text(const HttpAddress& address) {
  return to_text(address.place);
}

std::string to_text(const ListenAddress& address) {
  if (!address.unix_directory.empty()) {
    return fmt::format("unix:{}:{}", address.unix_directory, address.port);
  }
  const bool ipv6 = address.host.find(':') != std::string::npos;
  return fmt::format("{}:{}", ipv6 ? "[" + address.host + "]" : address.host, address.port);
}

bool is_local(const ListenAddress& address) {
  if (!address.unix_directory.empty() || address.host == "localhost") return true;
  if (is_ipv4(address.host)) return address.host.starts_with("127.");
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, address.host.c_str(), bytes.data()) != 1) return false;
  in6_addr v6{};
  std::copy(bytes.begin(), bytes.end(), v6.s6_addr);
  return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && bytes[12] == 127);
}

}  // namespace forebay::config
