#include "backend/target.hpp"

#include <fmt/format.h>
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
