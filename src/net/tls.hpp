#pragma once

#include <utility>

#include "base/result.hpp"
#include "config/settings.hpp"

using SSL_CTX = struct ssl_ctx_st;

namespace forebay::net {

/// Certificates, keys and rules that Streams start TLS with: an SSL_CTX with its owner. Made once per
/// configuration.
///
/// After it is made it is only read, by any number of threads. A Stream keeps what it needs alive by itself,
/// so a reload may drop the context while connections made from it go on.
class TlsContext {
 public:
  /// No TLS; start_tls_* refuse it.
  TlsContext() = default;
  TlsContext(SSL_CTX* owned, bool verify_host) : context_(owned), verify_host_(verify_host) {}
  TlsContext(TlsContext&& other) noexcept
      : context_(std::exchange(other.context_, nullptr)), verify_host_(other.verify_host_) {}
  TlsContext& operator=(TlsContext&& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(verify_host_, other.verify_host_);
    return *this;
  }
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  explicit operator bool() const { return context_ != nullptr; }
  SSL_CTX* get() const { return context_; }

  /// The peer's certificate must also be for the host that we meant to reach.
  bool verify_host() const { return verify_host_; }

 private:
  SSL_CTX* context_ = nullptr;
  bool verify_host_ = false;
};

/// TLS towards clients. An empty context when the mode is `disable`.
///
/// TLS 1.2 or newer. A client certificate is asked for when `ca_file` is set, and demanded with verify_ca and
/// verify_full (between which there is no difference here: whether the certificate's name is the role's is
/// the login's matter, not the handshake's). Session tickets are on, kept by the clients alone.
///
/// Errors (configuration) name the file, what is wrong with it, and the mend. The key must be unreadable for
/// others, by PostgreSQL's own rule: at most 0600, or 0640 when root owns it.
Result<TlsContext> make_client_facing(const config::ClientTls& settings);

/// TLS towards a server. An empty context when the mode is `disable`.
///
/// Verifies the certificate chain with verify_ca and verify_full, and, as libpq does, with `require` when
/// `ca_file` is set; the host too with verify_full. Without `ca_file`, verify_full trusts the system's
/// authorities; verify_ca is then refused, because any certificate of any public authority would do.
Result<TlsContext> make_server_facing(const config::ServerTls& settings);

}  // namespace forebay::net
