#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/host_port.hpp"
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

/// A host name, or something that looks like an IPv4 address and is one.
bool is_host(const std::string& host) {
  const auto all = [&host](auto allowed) { return std::all_of(host.begin(), host.end(), allowed); };
  if (host.empty() || host.size() > 253) return false;
  if (all([](char c) { return is_digit(c) || c == '.'; })) return is_ipv4(host);
  return all([](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_'; });
}

Result<ListenAddress> parse_unix(std::string_view whole, std::string_view rest, std::uint16_t default_port) {
  ListenAddress address;
  if (!rest.starts_with('/')) {
    return complaint(
        fmt::format("{} does not name a directory from the root; write unix:/run/forebay", in_quotes(whole)));
  }
  const auto parts = split_host_port(rest, {1, 65535}, kForms);
  if (!parts) return parts.error();
  address.port = parts->port.value_or(default_port);
  rest = rest.substr(0, parts->host.size());
  address.unix_directory = parts->host;
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

  const auto parts = split_host_port(text, {0, 65535}, kForms);
  if (!parts) return parts.error();
  ListenAddress address;
  address.host = parts->host;
  address.port = parts->port.value_or(default_port);
  if (address.host == "*" || (address.host.empty() && !text.empty())) {
    return complaint(
        fmt::format("{} names no address; write 0.0.0.0:{} for every IPv4 address, [::]:{} for every IPv6 "
                    "address, or 127.0.0.1:{} for this machine only",
                    in_quotes(text), address.port, address.port, address.port));
  }
  if (!parts->is_bracketed && !is_host(address.host)) {
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

std::string to_text(const ListenAddress& address) {
  if (!address.unix_directory.empty()) {
    return fmt::format("unix:{}:{}", address.unix_directory, address.port);
  }
  return join_host_port(address.host, address.port);
}

std::string to_text(const HttpAddress& address) {
  return to_text(address.place);
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
