#include "net/tls_socket.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <sys/socket.h>

namespace forebay::net {
namespace {

int fd_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool is_transient(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int write_socket(BIO* bio, const char* from, std::size_t count, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(fd_of(bio), from, count, MSG_NOSIGNAL);
  if (sent < 0) {
    if (is_transient(errno)) BIO_set_retry_write(bio);
    return 0;
  }
  *written = static_cast<std::size_t>(sent);
  return 1;
}

enum class Receives : std::uint8_t { unlimited, one, none };
thread_local Receives receives = Receives::unlimited;

int read_socket(BIO* bio, char* to, std::size_t room, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  if (receives == Receives::none) {
    BIO_set_retry_read(bio);
    return 0;
  }
  if (receives == Receives::one) receives = Receives::none;
  const ssize_t received = ::recv(fd_of(bio), to, room, 0);
  if (received > 0) {
    *got = static_cast<std::size_t>(received);
    return 1;
  }
  if (received == 0) {
    BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  } else if (is_transient(errno)) {
    BIO_set_retry_read(bio);
  }
  return 0;
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    case BIO_CTRL_FLUSH:  // nothing is buffered here
      return 1;
    default:
      return 0;
  }
}

const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "forebay socket");
    if (made != nullptr) {
      BIO_meth_set_write_ex(made, write_socket);
      BIO_meth_set_read_ex(made, read_socket);
      BIO_meth_set_ctrl(made, control);
    }
    return made;
  }();
  return method;
}

}  // namespace

OneReceive::OneReceive() {
  receives = Receives::one;
}

OneReceive::~OneReceive() {
  receives = Receives::unlimited;
}

BIO* make_socket_bio(int fd) {
  if (socket_method() == nullptr) return nullptr;
  BIO* const bio = BIO_new(socket_method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace forebay::net
