#pragma once

#include <openssl/bio.h>

namespace forebay::net {

/// OpenSSL's way to the socket: like its own socket BIO, but a write to a closed connection gives EPIPE
/// instead of SIGPIPE, which a library must not leave to the process. The descriptor stays the caller's. Null
/// when memory is short. Thread safe.
BIO* make_socket_bio(int fd);

/// While it lives, such a BIO of this thread gives what one recv(2) gives, and says then that there is
/// nothing more now: a peer that sends nothing but records without data (KeyUpdate) would keep one SSL_read()
/// busy for as long as he likes otherwise.
class OneReceive {
 public:
  OneReceive();
  ~OneReceive();
  OneReceive(const OneReceive&) = delete;
  OneReceive& operator=(const OneReceive&) = delete;
};

}  // namespace forebay::net
