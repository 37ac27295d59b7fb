#pragma once

#include <openssl/bio.h>

namespace forebay::net {

/// OpenSSL's way to the socket: like its own socket BIO, but a write to a closed connection gives EPIPE
/// instead of SIGPIPE, which a library must not leave to the process. The descriptor stays the caller's. Null
/// when memory is short. Thread safe.
BIO* make_socket_bio(int fd);

}  // namespace forebay::net
