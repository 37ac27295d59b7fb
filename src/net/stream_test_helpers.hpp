#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "base/bytes.hpp"
#include "net/stream.hpp"

/// What tests of streams share.
namespace forebay::net::testing {

/// Makes the two streams each other's peers.
inline void connect(Stream& one, Stream& other) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  one = Stream(fds[0]);
  other = Stream(fds[1]);
}

inline IoResult write_text(Stream& to, std::string_view text) {
  return to.write(as_bytes(text).data(), text.size());
}

inline std::string read_text(Stream& from, std::size_t room = 65536) {
  std::string text(room, '\0');
  const IoResult result = from.read(reinterpret_cast<std::byte*>(text.data()), room);
  text.resize(result.bytes);
  return text;
}

inline IoStatus read_status(Stream& from) {
  std::byte buffer[16];
  return from.read(buffer, sizeof buffer).status;
}

}  // namespace forebay::net::testing
