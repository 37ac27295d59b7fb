#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/socket.hpp"
#include "net/tls.hpp"

namespace forebay::backend {

/// "db.example.com:5432", for messages.
std::string server_name(const config::Upstream& upstream);

/// A server that backends are opened to: its addresses and the TLS rules for it. Immutable, but for the
/// address that was reached last; a reload makes another. Thread safe.
class Target {
 public:
  /// Resolves the host, and may block for seconds while it does.
  static Result<std::shared_ptr<const Target>> make(const config::Upstream& upstream);

  /// The same server, for backends of another database.
  std::shared_ptr<const Target> for_database(const std::string& database) const;

  /// The same server, which has moved.
  std::shared_ptr<const Target> at(std::vector<net::Address> addresses) const;
  /// Whether `address`, a numeric one as libpq tells it, is among its addresses; always over a Unix socket.
  bool has_address(std::string_view address) const;
  /// Its name with all its addresses in an order of their own: another one means that it may be another
  /// server.
  std::string place() const;

  const config::Upstream& upstream() const { return upstream_; }
  /// Never empty. To be tried in turn, from reached() on.
  const std::vector<net::Address>& addresses() const { return addresses_; }
  /// Index of the address that was reached last.
  std::size_t reached() const { return reached_.load(std::memory_order_relaxed); }
  void set_reached(std::size_t index) const { reached_.store(index, std::memory_order_relaxed); }
  const net::TlsContext& tls() const { return *tls_; }
  /// Whether to ask for TLS at all: never over a Unix socket, as libpq.
  bool wants_tls() const;
  bool requires_tls() const;
  std::string name() const { return server_name(upstream_); }

 private:
  Target(config::Upstream upstream, std::vector<net::Address> addresses,
         std::shared_ptr<const net::TlsContext> tls);

  const config::Upstream upstream_;
  const std::vector<net::Address> addresses_;
  const std::shared_ptr<const net::TlsContext> tls_;
  mutable std::atomic<std::size_t> reached_ = 0;
};

}  // namespace forebay::backend
