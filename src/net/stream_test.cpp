#include "net/stream.hpp"

#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream_test_helpers.hpp"

namespace forebay::net {
namespace {

using testing::read_status;
using testing::read_text;
using testing::write_text;

struct Pair {
  Pair() { testing::connect(ours, theirs); }
  Stream ours;
  Stream theirs;
};

bool is_closed(int fd) {
  return ::fcntl(fd, F_GETFD) == -1;
}

TEST(Stream, MovesBytes) {
  Pair pair;
  const IoResult sent = write_text(pair.ours, "hello");
  EXPECT_EQ(sent.bytes, 5U);
  EXPECT_EQ(sent.status, IoStatus::ok);
  EXPECT_EQ(read_text(pair.theirs, 3), "hel");
  EXPECT_EQ(read_text(pair.theirs), "lo");
  EXPECT_EQ(read_status(pair.theirs), IoStatus::would_block_read);
  EXPECT_FALSE(pair.theirs.has_buffered());
}

TEST(Stream, SaysWhenTheSocketIsFull) {
  Pair pair;
  const std::string block(1 << 20, 'x');
  std::size_t total = 0;
  IoResult sent{};
  do {
    sent = write_text(pair.ours, block);
    total += sent.bytes;
  } while (sent.status == IoStatus::ok && total < (64U << 20));
  EXPECT_EQ(sent.status, IoStatus::would_block_write);
  EXPECT_EQ(write_text(pair.ours, "x").status, IoStatus::would_block_write);

  std::size_t received = 0;
  for (std::string text; !(text = read_text(pair.theirs)).empty();) received += text.size();
  EXPECT_EQ(received, total);
  EXPECT_EQ(write_text(pair.ours, "x").status, IoStatus::ok);
}

TEST(Stream, SaysWhenThePeerHasClosed) {
  Pair pair;
  write_text(pair.theirs, "last words");
  pair.theirs.shutdown();
  EXPECT_EQ(read_text(pair.ours), "last words");
  EXPECT_EQ(read_status(pair.ours), IoStatus::closed);
  EXPECT_EQ(read_status(pair.ours), IoStatus::closed);
  EXPECT_EQ(write_text(pair.ours, "still open this way").status, IoStatus::ok);
}

TEST(Stream, WritingToAClosedPeerGivesNoSignal) {
  Pair pair;
  pair.theirs.close();
  EXPECT_EQ(write_text(pair.ours, "x").status, IoStatus::closed);
  EXPECT_EQ(pair.ours.error_text(), "Broken pipe");
}

TEST(Stream, AResetIsAClose) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  Stream theirs(fd);
  Stream ours(::accept(listener, nullptr, nullptr));
  ::close(listener);
  const linger abort{1, 0};
  ASSERT_EQ(::setsockopt(theirs.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
  theirs.close();
  EXPECT_EQ(read_status(ours), IoStatus::closed);
  EXPECT_EQ(ours.error_text(), "Connection reset by peer");
}

TEST(Stream, ReportsWhatIsNeitherBlockedNorClosed) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  ::close(ends[1]);
  Stream not_a_socket(ends[0]);
  EXPECT_EQ(read_status(not_a_socket), IoStatus::error);
  EXPECT_EQ(not_a_socket.error_text(), "Socket operation on non-socket");
}

TEST(Stream, ClosesExactlyOnce) {
  Pair pair;
  const int first = pair.ours.fd();
  const int second = pair.theirs.fd();
  Stream moved(std::move(pair.ours));
  EXPECT_FALSE(pair.ours.open());  // NOLINT: a moved-from Stream is closed, not undefined
  EXPECT_EQ(moved.fd(), first);
  pair.theirs = std::move(moved);
  EXPECT_TRUE(is_closed(second));
  EXPECT_FALSE(is_closed(first));
  { const Stream last(std::move(pair.theirs)); }
  EXPECT_TRUE(is_closed(first));
}

TEST(Stream, GivesItsDescriptorAway) {
  Pair pair;
  const int fd = pair.ours.release();
  EXPECT_FALSE(pair.ours.open());
  EXPECT_FALSE(is_closed(fd));
  ::close(fd);
}

TEST(Stream, WithoutTlsThereIsNothingToTell) {
  Pair pair;
  EXPECT_FALSE(pair.ours.has_tls());
  EXPECT_EQ(pair.ours.tls_version(), "");
  EXPECT_EQ(pair.ours.tls_cipher(), "");
  EXPECT_FALSE(pair.ours.peer_verified());
  EXPECT_EQ(pair.ours.peer_common_name(), "");
  EXPECT_TRUE(pair.ours.channel_binding().empty());
  EXPECT_EQ(pair.ours.error_text(), "");
}

}  // namespace
}  // namespace forebay::net
