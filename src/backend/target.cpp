#include "backend/target.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>

namespace forebay::backend {

Target::Target(config::Upstream upstream, std::vector<net::Address> addresses,
               std::shared_ptr<const net::TlsContext> tls)
    : upstream_(std::move(upstream)), addresses_(std::move(addresses)), tls_(std::move(tls)) {}

Result<std::shared_ptr<const Target>> Target::make(const config::Upstream& upstream) {
  auto addresses = net::resolve(upstream.host, upstream.port);
  if (!addresses) return addresses.error();
  auto tls = net::make_server_facing(upstream.tls);
  if (!tls) return tls.error();
  return std::shared_ptr<const Target>(
      new Target(upstream, std::move(*addresses), std::make_shared<const net::TlsContext>(std::move(*tls))));
}

std::shared_ptr<const Target> Target::for_database(const std::string& database) const {
  config::Upstream upstream = upstream_;
  upstream.database = database;
  return std::shared_ptr<const Target>(new Target(std::move(upstream), addresses_, tls_));
}

std::shared_ptr<const Target> Target::at(std::vector<net::Address> addresses) const {
  return std::shared_ptr<const Target>(new Target(upstream_, std::move(addresses), tls_));
}

bool Target::has_address(std::string_view address) const {
  return std::ranges::any_of(addresses_, [address](const net::Address& known) {
    return known.family() == AF_UNIX || known.host() == address;
  });
}

std::string Target::place() const {
  std::vector<std::string> hosts;
  hosts.reserve(addresses_.size());
  for (const net::Address& address : addresses_) hosts.push_back(address.host());
  std::ranges::sort(hosts);
  return fmt::format("{} {}", name(), fmt::join(hosts, " "));
}

bool Target::wants_tls() const {
  return addresses_.front().family() != AF_UNIX && upstream_.tls.mode != config::TlsMode::disable &&
         upstream_.tls.mode != config::TlsMode::allow;
}

bool Target::requires_tls() const {
  return wants_tls() && upstream_.tls.mode != config::TlsMode::prefer;
}

std::string server_name(const config::Upstream& upstream) {
  return upstream.host.starts_with('/') ? fmt::format("{}/.s.PGSQL.{}", upstream.host, upstream.port)
                                        : fmt::format("{}:{}", upstream.host, upstream.port);
}

}  // namespace forebay::backend
