#include "net/stream.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <unistd.h>

#include "net/tls_socket.hpp"

namespace forebay::net {
namespace {

/// Errnos and OpenSSL's codes share Stream::error_; OpenSSL keeps a library number for the system's errors.
std::uint32_t pack_errno(int number) {
  return static_cast<std::uint32_t>(ERR_PACK(ERR_LIB_SYS, 0, number));
}

}  // namespace

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    tls_ = std::exchange(other.tls_, nullptr);
    drained_ = other.drained_;
    error_ = other.error_;
  }
  return *this;
}

int Stream::release() {
  SSL_free(std::exchange(tls_, nullptr));
  return std::exchange(fd_, -1);
}

void Stream::close() {
  const int fd = release();
  if (fd >= 0) ::close(fd);
}

void Stream::shutdown() {
  if (fd_ < 0) return;
  if (tls_ != nullptr && SSL_is_init_finished(tls_)) {
    ERR_clear_error();
    SSL_shutdown(tls_);
    ERR_clear_error();
  }
  ::shutdown(fd_, SHUT_WR);
}

IoStatus Stream::status_of_errno(IoStatus when_blocked) {
  const int number = errno;
  if (number == EAGAIN || number == EWOULDBLOCK) return when_blocked;
  remember_error(pack_errno(number));
  return number == ECONNRESET || number == EPIPE ? IoStatus::closed : IoStatus::error;
}

/// What OpenSSL's answer `returned` means. Leaves OpenSSL's error queue empty, as the next call needs it.
IoStatus Stream::status_of_tls(int returned) {
  const int number = errno;
  const int kind = SSL_get_error(tls_, returned);
  const unsigned long first = ERR_get_error();
  ERR_clear_error();
  switch (kind) {
    case SSL_ERROR_WANT_READ:
      return IoStatus::would_block_read;
    case SSL_ERROR_WANT_WRITE:
      return IoStatus::would_block_write;
    case SSL_ERROR_ZERO_RETURN:
      return IoStatus::closed;
    case SSL_ERROR_SYSCALL:
      errno = number;
      return number == 0 ? IoStatus::closed : status_of_errno(IoStatus::error);
    default:
      remember_error(ERR_SYSTEM_ERROR(first) ? pack_errno(ERR_GET_REASON(first))
                                             : static_cast<std::uint32_t>(first));
      return IoStatus::error;
  }
}

IoStatus Stream::handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(tls_);
  return done == 1 ? IoStatus::ok : status_of_tls(done);
}

bool Stream::tls_pending() const {
  return SSL_has_pending(tls_) == 1;
}

IoResult Stream::read_tls(std::byte* to, std::size_t room) {
  drained_ = 0;
  std::size_t total = 0;
  const OneReceive limit;
  // Asking OpenSSL when it holds nothing would cost a recv(2) that most often says EAGAIN.
  while (total < room && (total == 0 || tls_pending())) {
    std::size_t got = 0;
    ERR_clear_error();
    const int done = SSL_read_ex(tls_, to + total, room - total, &got);
    if (done != 1) {
      const IoStatus status = status_of_tls(done);
      drained_ = status == IoStatus::would_block_read ? 1 : 0;
      return {total, status};
    }
    total += got;
  }
  return {total, IoStatus::ok};
}

IoResult Stream::write_tls(const std::byte* from, std::size_t count) {
  std::size_t total = 0;
  while (total < count) {
    std::size_t written = 0;
    ERR_clear_error();
    const int done = SSL_write_ex(tls_, from + total, count - total, &written);
    if (done != 1) return {total, status_of_tls(done)};
    total += written;
  }
  return {total, IoStatus::ok};
}

std::string Stream::error_text() const {
  if (error_ == 0) return {};
  if (ERR_GET_LIB(error_) == ERR_LIB_SYS) return errno_text(ERR_GET_REASON(error_));
  const char* const reason = ERR_reason_error_string(error_);
  std::string text = reason != nullptr ? reason : fmt::format("OpenSSL error {:08X}", std::uint32_t{error_});
  const long verified = tls_ != nullptr ? SSL_get_verify_result(tls_) : X509_V_OK;
  if (verified != X509_V_OK) text += fmt::format(": {}", X509_verify_cert_error_string(verified));
  return text;
}

}  // namespace forebay::net
