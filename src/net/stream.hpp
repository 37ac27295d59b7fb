#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/result.hpp"

using SSL = struct ssl_st;

namespace forebay::net {

class TlsContext;

/// What ended a call. `would_block_*` names the readiness to wait for before the call is repeated.
enum class IoStatus : std::uint8_t {
  ok,
  would_block_read,
  would_block_write,
  closed,  ///< the peer has closed or reset the connection
  error,   ///< anything else; see Stream::error_text()
};

/// Bytes moved, and what ended the call. Bytes may be above zero with any status: they are valid, and a
/// status of `closed` or `error` comes again with the next call.
struct IoResult {
  std::size_t bytes;
  IoStatus status;
};

/// A connected non-blocking socket, with TLS on top when it has been started. It owns the descriptor and
/// closes it.
///
/// There is no event loop inside: a call does what can be done now and says what to wait for, for a level
/// triggered poll. With TLS there is one thing that the descriptor does not announce: bytes that OpenSSL has
/// taken off the socket and read() has not given yet. Whoever stops reading before read() says
/// `would_block_read` asks has_buffered().
///
/// An object is 16 bytes. Not thread safe: one thread at a time; different Streams are independent.
class Stream {
 public:
  Stream() = default;
  /// Takes over `fd`, a connected (or connecting) socket that is already non-blocking.
  explicit Stream(int fd) : fd_(fd) {}
  Stream(Stream&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        drained_(other.drained_),
        error_(other.error_),
        tls_(std::exchange(other.tls_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  /// Closes without close_notify; call shutdown() first for an orderly end.
  ~Stream() {
    if (fd_ >= 0) close();
  }

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  bool has_tls() const { return tls_ != nullptr; }

  /// Gives the descriptor away, still open. Only for a plain stream: TLS state cannot be handed over, it is
  /// dropped.
  int release();

  /// Frees TLS and closes the descriptor now. Harmless when closed already.
  void close();

  /// Plain: one recv(2). TLS: at most one, and decrypts until the room is full or what has been received is
  /// used up. `ok`: there may be more. `would_block_read`: there is nothing more before the descriptor is
  /// readable. `room` is above zero.
  IoResult read(std::byte* to, std::size_t room) {
    if (tls_ == nullptr) [[likely]]
      return read_plain(to, room);
    return read_tls(to, room);
  }

  /// Plain: one send(2), no SIGPIPE. TLS: as many records as the socket takes.
  /// `ok` means that all was taken, `would_block_write` that the rest has to be offered again: after a TLS
  /// write that blocked, the next write must start with the same bytes and offer at least as many (it may
  /// come from another address).
  IoResult write(const std::byte* from, std::size_t count) {
    if (tls_ == nullptr) [[likely]]
      return write_plain(from, count);
    return write_tls(from, count);
  }

  /// Received bytes wait inside OpenSSL, so that read() has something to do although the descriptor may never
  /// become readable. Always false without TLS, and after read() said `would_block_read`.
  bool has_buffered() const { return tls_ != nullptr && !drained_ && tls_pending(); }

  /// Starts TLS as the accepting side; handshake() does the work. The caller has made sure that no plain byte
  /// after the SSLRequest has been read: what a man in the middle put there must not pass for encrypted
  /// (CVE-2021-23214).
  Result<void> start_tls_server(const TlsContext& context);

  /// Starts TLS as the connecting side. `host` is what the administrator wrote: a name (sent as SNI) or an
  /// address (not sent, RFC 6066 section 3); with verify_full the certificate must be for it. Same rule for
  /// plain bytes (CVE-2021-23222).
  Result<void> start_tls_client(const TlsContext& context, const std::string& host);

  /// Goes on with the handshake: `ok` when it is complete (the peer's first bytes may have come with it:
  /// has_buffered()), else what to wait for. After `error`, error_text() says why, the certificate's fault
  /// included; the stream is then of no use except to be closed (an alert has been sent).
  IoStatus handshake();

  /// Says that nothing more will be sent (close_notify with TLS, then FIN), without waiting. Errors do not
  /// matter.
  void shutdown();

  /// The system's or OpenSSL's words for the last `error` or `closed`, empty when there was none.
  std::string error_text() const;

  /// "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; empty without a complete handshake.
  std::string_view tls_version() const;
  std::string_view tls_cipher() const;

  /// The peer presented a certificate and it was verified against our authority.
  bool peer_verified() const;

  /// The common name (the first CN, as PostgreSQL takes it) of the peer's verified certificate. Empty when
  /// there is none, or when it holds a NUL, which is how a name is made to look like another.
  std::string peer_common_name() const;

  /// tls-server-end-point channel binding (RFC 5929 section 4): a hash of the server's certificate, which is
  /// ours on the accepting side and the peer's on the connecting side. Empty without TLS, and for a
  /// certificate whose signature names no hash (Ed25519), for which the binding is undefined.
  std::vector<std::byte> channel_binding() const;

 private:
  IoResult read_plain(std::byte* to, std::size_t room);
  IoResult write_plain(const std::byte* from, std::size_t count);
  IoResult read_tls(std::byte* to, std::size_t room);
  IoResult write_tls(const std::byte* from, std::size_t count);
  Result<void> start_tls(const TlsContext& context);
  bool tls_pending() const;
  IoStatus status_of_errno(IoStatus when_blocked);
  IoStatus status_of_tls(int returned);
  void remember_error(std::uint32_t packed) { error_ = packed & 0x7FFFFFFFU; }

  int fd_ = -1;
  std::uint32_t drained_ : 1 = 0;  ///< TLS: the last read ended because a record is missing or incomplete
  std::uint32_t error_ : 31 = 0;   ///< packed as OpenSSL does, an errno under ERR_LIB_SYS; 0: none
  SSL* tls_ = nullptr;
};

static_assert(sizeof(Stream) == 16);

inline IoResult Stream::read_plain(std::byte* to, std::size_t room) {
  for (;;) {
    // Not recv(): as a cancellation point of threads it costs two locked instructions each time.
    const ssize_t got = ::syscall(SYS_recvfrom, fd_, to, room, 0, nullptr, nullptr);
    if (got > 0) [[likely]]
      return {static_cast<std::size_t>(got), IoStatus::ok};
    if (got == 0) return {0, IoStatus::closed};
    if (errno != EINTR) return {0, status_of_errno(IoStatus::would_block_read)};
  }
}

inline IoResult Stream::write_plain(const std::byte* from, std::size_t count) {
  for (;;) {
    const ssize_t sent = ::send(fd_, from, count, MSG_NOSIGNAL);
    if (sent >= 0) [[likely]] {
      const auto bytes = static_cast<std::size_t>(sent);
      return {bytes, bytes == count ? IoStatus::ok : IoStatus::would_block_write};
    }
    if (errno != EINTR) return {0, status_of_errno(IoStatus::would_block_write)};
  }
}

}  // namespace forebay::net
