#include "net/tls.hpp"

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace forebay::net {
namespace {

using config::TlsMode;

/// Room for four full records, so that a bulk transfer needs one recv(2) for them. A connection holds it only
/// while a record is incomplete or not read yet.
constexpr std::size_t kReadBufferSize = 64 * 1024;

Error configuration(std::string text) {
  return {ErrorCode::configuration, std::move(text)};
}

/// The most telling of OpenSSL's queued errors: the last, which is the outermost. Empties the queue.
std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "no reason given";
}

/// A file that cannot be opened is named with the system's words, which OpenSSL would hide.
Result<void> check_readable(std::string_view what, const std::string& file) {
  if (::access(file.c_str(), R_OK) == 0) return {};
  return configuration(fmt::format("the {} \"{}\" cannot be read: {}; correct its path or its permissions",
                                   what, file, errno_text(errno)));
}

/// PostgreSQL's rule for ssl_key_file (https://www.postgresql.org/docs/15/ssl-tcp.html).
Result<void> check_key_permissions(const std::string& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return check_readable("TLS key", file);
  const bool others_can = (status.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0;
  const bool group_can = (status.st_mode & S_IRGRP) != 0 && status.st_uid != 0;
  if (!others_can && !group_can) return {};
  return configuration(
      fmt::format("the TLS key \"{0}\" can be read or changed by others; chmod 600 \"{0}\" (or 640 when "
                  "root owns it)",
                  file));
}

/// OpenSSL asks here for a key's pass phrase. There is nobody to answer; the default would ask on the
/// terminal.
int refuse_pass_phrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<void> load_key(SSL_CTX* context, const std::string& file) {
  if (auto checked = check_key_permissions(file); !checked) return checked;
  if (auto checked = check_readable("TLS key", file); !checked) return checked;
  bool asked = false;
  SSL_CTX_set_default_passwd_cb(context, refuse_pass_phrase);
  SSL_CTX_set_default_passwd_cb_userdata(context, &asked);
  const int loaded = SSL_CTX_use_PrivateKey_file(context, file.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (loaded == 1) return {};
  if (asked) {
    ERR_clear_error();
    return configuration(
        fmt::format("the TLS key \"{0}\" is encrypted; write it without its pass phrase: openssl pkey -in "
                    "\"{0}\" -out key.pem",
                    file));
  }
  return configuration(
      fmt::format("the TLS key \"{}\" is not a private key in PEM, or not the certificate's: {}; give the "
                  "key that the certificate was made with",
                  file, openssl_reason()));
}

Result<void> load_identity(SSL_CTX* context, const std::string& certificate_file,
                           const std::string& key_file) {
  if (certificate_file.empty() || key_file.empty()) {
    return configuration("TLS needs a certificate file and a key file together; set both");
  }
  if (auto checked = check_readable("TLS certificate", certificate_file); !checked) return checked;
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return configuration(
        fmt::format("the TLS certificate \"{}\" is not a certificate in PEM: {}; give the certificate, "
                    "followed by its intermediates",
                    certificate_file, openssl_reason()));
  }
  return load_key(context, key_file);
}

Result<void> load_authorities(SSL_CTX* context, const std::string& file) {
  if (auto checked = check_readable("TLS authority", file); !checked) return checked;
  if (SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) == 1) return {};
  return configuration(
      fmt::format("the TLS authority \"{}\" holds no certificate in PEM: {}; give the certificates to "
                  "trust, one after the other",
                  file, openssl_reason()));
}

/// Rules for both directions.
SSL_CTX* make_context(const SSL_METHOD* method) {
  ERR_clear_error();
  SSL_CTX* const context = SSL_CTX_new(method);
  if (context == nullptr) return nullptr;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "HIGH:!aNULL");
  // Partial writes and moving buffers are what Stream::write promises. Releasing buffers saves an idle
  // connection some 34 kB by OpenSSL's account (SSL_CTX_set_mode(3)); read-ahead takes a record in one
  // recv(2) instead of two.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBufferSize);
  // The protocol carries its own lengths, so an end without close_notify cannot cut a message short
  // unnoticed.
  SSL_CTX_set_options(context,
                      SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return context;
}

Error no_context() {
  return {ErrorCode::limit, fmt::format("OpenSSL cannot make a TLS context: {}", openssl_reason())};
}

void forbid_tickets(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
}

/// Asks clients for certificates of the authorities in `file`, and insists on one when `required`.
Result<void> verify_clients(SSL_CTX* context, const std::string& file, bool required) {
  if (auto loaded = load_authorities(context, file); !loaded) return loaded;
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file.c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  // A resumed session would not look at the client's certificate again, not even at its end.
  forbid_tickets(context);
  return {};
}

Result<void> verify_server(SSL_CTX* context, const config::ServerTls& settings) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (!settings.ca_file.empty()) return load_authorities(context, settings.ca_file);
  if (settings.mode == TlsMode::verify_full) {
    SSL_CTX_set_default_verify_paths(context);
    return {};
  }
  return configuration(
      "TLS mode verify_ca needs a file of authorities: with the system's, any public certificate would do; "
      "set the CA "
      "file, or use verify_full");
}

}  // namespace

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

Result<TlsContext> make_client_facing(const config::ClientTls& settings) {
  if (settings.mode == TlsMode::disable) return TlsContext();
  TlsContext context(make_context(TLS_server_method()), false);
  if (!context) return no_context();
  SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_dh_auto(context.get(), 1);
  SSL_CTX_set_num_tickets(context.get(), 1);
  if (auto loaded = load_identity(context.get(), settings.certificate_file, settings.key_file); !loaded) {
    return loaded.error();
  }
  const bool required = settings.mode == TlsMode::verify_ca || settings.mode == TlsMode::verify_full;
  if (required && settings.ca_file.empty()) {
    return configuration(
        "TLS modes verify_ca and verify_full need the authorities of client certificates; set the CA file");
  }
  if (!settings.ca_file.empty()) {
    if (auto set = verify_clients(context.get(), settings.ca_file, required); !set) return set.error();
  }
  return context;
}

Result<TlsContext> make_server_facing(const config::ServerTls& settings) {
  if (settings.mode == TlsMode::disable) return TlsContext();
  TlsContext context(make_context(TLS_client_method()), settings.mode == TlsMode::verify_full);
  if (!context) return no_context();
  if (!settings.certificate_file.empty() || !settings.key_file.empty()) {
    if (auto loaded = load_identity(context.get(), settings.certificate_file, settings.key_file); !loaded) {
      return loaded.error();
    }
  }
  const bool verify = settings.mode == TlsMode::verify_ca || settings.mode == TlsMode::verify_full ||
                      (settings.mode == TlsMode::require && !settings.ca_file.empty());
  if (verify) {
    if (auto set = verify_server(context.get(), settings); !set) return set.error();
  }
  return context;
}

}  // namespace forebay::net
