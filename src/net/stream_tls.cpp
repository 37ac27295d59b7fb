// What TLS adds to a Stream besides moving bytes: starting it, and who the peer is.

#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/stream.hpp"
#include "net/tls.hpp"
#include "net/tls_socket.hpp"

namespace forebay::net {
namespace {

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> ignored;
  return inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

std::string to_text(const ASN1_STRING* string) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, string);
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  return text.find('\0') == std::string::npos ? text : std::string();
}

/// The hash that RFC 5929 section 4.1 takes for this certificate; null when its signature names none.
const EVP_MD* binding_hash(X509* certificate) {
  int hash = NID_undef;
  if (X509_get_signature_info(certificate, &hash, nullptr, nullptr, nullptr) != 1 || hash == NID_undef) {
    return nullptr;
  }
  if (hash == NID_md5 || hash == NID_sha1) return EVP_sha256();
  return EVP_get_digestbynid(hash);
}

}  // namespace

Result<void> Stream::start_tls(const TlsContext& context) {
  if (!context) return Error{ErrorCode::configuration, "TLS is not configured; set its mode and its files"};
  ERR_clear_error();
  SSL* const tls = SSL_new(context.get());
  BIO* const bio = tls != nullptr ? make_socket_bio(fd_) : nullptr;
  if (bio == nullptr) {
    SSL_free(tls);
    return Error{ErrorCode::limit, "no memory for a TLS connection; lower the number of connections"};
  }
  SSL_set_bio(tls, bio, bio);
  tls_ = tls;
  return {};
}

Result<void> Stream::start_tls_server(const TlsContext& context) {
  if (auto started = start_tls(context); !started) return started;
  SSL_set_accept_state(tls_);
  return {};
}

Result<void> Stream::start_tls_client(const TlsContext& context, const std::string& host) {
  if (auto started = start_tls(context); !started) return started;
  SSL_set_connect_state(tls_);
  const bool address = is_address(host);
  bool accepted = address || host.empty() || SSL_set_tlsext_host_name(tls_, host.c_str()) == 1;
  if (context.verify_host()) {
    SSL_set_hostflags(tls_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    accepted = accepted && !host.empty() &&
               (address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_), host.c_str())
                        : SSL_set1_host(tls_, host.c_str())) == 1;
  }
  ERR_clear_error();
  if (accepted) return {};
  SSL_free(std::exchange(tls_, nullptr));
  return Error{
      ErrorCode::configuration,
      fmt::format("\"{}\" cannot be the name in a server's certificate; write the server's name or address",
                  host)};
}

std::string_view Stream::tls_version() const {
  return tls_ != nullptr && SSL_is_init_finished(tls_) ? SSL_get_version(tls_) : "";
}

std::string_view Stream::tls_cipher() const {
  return tls_ != nullptr && SSL_is_init_finished(tls_) ? SSL_get_cipher_name(tls_) : "";
}

bool Stream::peer_verified() const {
  return tls_ != nullptr && SSL_is_init_finished(tls_) &&
         (SSL_get_verify_mode(tls_) & SSL_VERIFY_PEER) != 0 && SSL_get0_peer_certificate(tls_) != nullptr &&
         SSL_get_verify_result(tls_) == X509_V_OK;
}

std::string Stream::peer_common_name() const {
  if (!peer_verified()) return {};
  const X509_NAME* const subject = X509_get_subject_name(SSL_get0_peer_certificate(tls_));
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  return to_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
}

std::vector<std::byte> Stream::channel_binding() const {
  if (tls_ == nullptr || !SSL_is_init_finished(tls_)) return {};
  X509* const certificate =
      SSL_is_server(tls_) == 1 ? SSL_get_certificate(tls_) : SSL_get0_peer_certificate(tls_);
  const EVP_MD* const hash = certificate != nullptr ? binding_hash(certificate) : nullptr;
  std::vector<std::byte> digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  const bool hashed =
      hash != nullptr &&
      X509_digest(certificate, hash, reinterpret_cast<unsigned char*>(digest.data()), &size) == 1;
  digest.resize(hashed ? size : 0);
  ERR_clear_error();
  return digest;
}

}  // namespace forebay::net
