#include "backend/target.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

namespace forebay::backend {

Target::Target(config::Upstream upstream, std::vector<net::Address> addresses, net::TlsContext tls)
    : upstream_(std::move(upstream)), addresses_(std::move(addresses)), tls_(std::move(tls)) {}

Result<std::shared_ptr<const Target>> Target::make(const config::Upstream& upstream) {
  auto addresses = net::resolve(upstream.host, upstream.port);
  if (!addresses) return addresses.error();
  auto tls = net::make_server_facing(upstream.tls);
  if (!tls) return tls.error();
  return std::shared_ptr<const Target>(new Target(upstream, std::move(*addresses), std::move(*tls)));
}

bool Target::wants_tls() const {
  return addresses_.front().family() != AF_UNIX && upstream_.tls.mode != config::TlsMode::disable &&
         upstream_.tls.mode != config::TlsMode::allow;
}

bool Target::requires_tls() const {
  return wants_tls() && upstream_.tls.mode != config::TlsMode::prefer;
}

std::string Target::name() const {
  return upstream_.host.starts_with('/') ? fmt::format("{}/.s.PGSQL.{}", upstream_.host, upstream_.port)
                                         : fmt::format("{}:{}", upstream_.host, upstream_.port);
}

}  // namespace forebay::backend
