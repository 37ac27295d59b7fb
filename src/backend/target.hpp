#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/socket.hpp"
#include "net/tls.hpp"

namespace forebay::backend {

/// A server that backends are opened to: its address and the TLS rules for it. Immutable; a reload makes
/// another.
class Target {
 public:
  /// Resolves the host; blocks while it does, so only at start and reload.
  static Result<std::shared_ptr<const Target>> make(const config::Upstream& upstream);

  const config::Upstream& upstream() const { return upstream_; }
  const net::Address& address() const { return address_; }
  const net::TlsContext& tls() const { return tls_; }
  /// Whether to ask for TLS at all: never over a Unix socket, as libpq.
  bool wants_tls() const;
  bool requires_tls() const;
  /// "db.example.com:5432", for messages.
  std::string name() const;

 private:
  Target(config::Upstream upstream, net::Address address, net::TlsContext tls);

  const config::Upstream upstream_;
  const net::Address address_;
  const net::TlsContext tls_;
};

}  // namespace forebay::backend
