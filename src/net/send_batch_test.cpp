#include "net/send_batch.hpp"

#include <cerrno>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "net/channel.hpp"
#include "net/loop.hpp"

namespace forebay::net {
namespace {

/// A channel in the loop, and its other end.
struct Line : Handler {
  explicit Line(Loop& loop) : channel(open()) { EXPECT_TRUE(channel.attach(loop, *this)); }

  Stream open() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    peer = Stream(fds[1]);
    return Stream(fds[0]);
  }

  void on_io(std::uint32_t events) override {
    if ((events & EPOLLOUT) != 0) channel.flush();
  }

  /// What has arrived at the other end.
  std::string received() {
    std::string all;
    std::byte buffer[4096];
    for (;;) {
      const IoResult result = peer.read(buffer, sizeof buffer);
      if (result.bytes == 0) return all;
      all += as_text({buffer, result.bytes});
    }
  }

  Stream peer;
  Channel channel;
};

class Sending : public ::testing::TestWithParam<SendBatch::Way> {
 protected:
  Channel::Outcome write(Line& line, const std::string& text) { return line.channel.write(as_bytes(text)); }
  /// Runs rounds until nothing is to be done.
  void run() {
    loop.post([this] { loop.post([this] { loop.stop(); }); });
    loop.run();
  }

  Loop loop{GetParam()};
};

TEST_P(Sending, LeavesAtTheEndOfTheRound) {
  std::vector<std::unique_ptr<Line>> lines;
  for (int i = 0; i < 200; ++i) lines.push_back(std::make_unique<Line>(loop));
  loop.post([&] {
    for (auto& line : lines) EXPECT_EQ(write(*line, "hello"), Channel::Outcome::done);
  });
  run();
  for (auto& line : lines) EXPECT_EQ(line->received(), "hello");
}

TEST_P(Sending, KeepsTheOrderOfOneChannel) {
  Line one(loop);
  Line other(loop);
  const std::string large(SendBatch::kMaxSize + 1, 'L');
  loop.post([&] {
    write(one, "a");
    write(other, "x");
    write(one, "b");
    write(one, large);
    write(other, "y");
    write(one, "c");
  });
  run();
  EXPECT_EQ(one.received(), "ab" + large + "c");
  EXPECT_EQ(other.received(), "xy");
}

TEST_P(Sending, KeepsWhatDoesNotFit) {
  Line slow(loop);
  Line quick(loop);
  std::string expected;
  loop.post([&] {
    // Fills the socket, then one more through the batch.
    while (!slow.channel.has_pending()) {
      const std::string block(4000, static_cast<char>('a' + expected.size() / 4000 % 26));
      write(slow, block);
      loop.sends().flush();
      expected += block;
    }
    write(slow, "end");
    write(quick, "now");
  });
  run();
  EXPECT_TRUE(slow.channel.has_pending());
  EXPECT_EQ(quick.received(), "now");
  std::string received;
  for (int turn = 0; turn < 100 && received.size() < expected.size() + 3; ++turn) {
    received += slow.received();
    slow.channel.flush();
  }
  EXPECT_TRUE(received == expected + "end") << received.size() << " bytes of " << expected.size() + 3;
  EXPECT_FALSE(slow.channel.has_pending());
}

TEST_P(Sending, IsDoneBeforeAChannelCloses) {
  Line line(loop);
  Line other(loop);
  loop.post([&] {
    write(line, "last words");
    write(other, "more");
    line.channel.close();
  });
  run();
  EXPECT_EQ(line.received(), "last words");
  EXPECT_EQ(other.received(), "more");
}

TEST_P(Sending, SurvivesAPeerThatIsGone) {
  Line gone(loop);
  Line other(loop);
  gone.peer.close();
  loop.post([&] {
    write(gone, "to nobody");
    write(other, "to somebody");
  });
  run();
  EXPECT_EQ(other.received(), "to somebody");
  EXPECT_EQ(gone.channel.flush(), Channel::Outcome::failed);
}

/// Has every further io_uring_enter of this thread fail, as a filter does that comes after the start.
void forbid_io_uring() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_enter, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{.len = std::size(filter), .filter = filter};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

TEST(SendingTogether, GoesOnOneByOneWhenTheKernelForbidsIt) {
  std::thread([] {  // whose filter is not the process's
    Loop loop;
    Line one(loop);
    Line other(loop);
    loop.post([&] {
      for (const char* text : {"before ", "after "}) {
        for (Line* line : {&one, &other}) {
          EXPECT_EQ(line->channel.write(as_bytes(std::string_view(text))), Channel::Outcome::done);
        }
        loop.sends().flush();
        if (text == std::string_view("before ")) forbid_io_uring();
      }
      loop.stop();
    });
    loop.run();
    EXPECT_EQ(one.received(), "before after ");
    EXPECT_EQ(other.received(), "before after ");
  })
      .join();
}

TEST(ChannelInALoop, IsToldWhenTheKernelDoesNotTakeIt) {
  struct : Handler {
    void on_io(std::uint32_t) override {}
  } nobody;
  Loop loop;
  Channel file(Stream(::open("/dev/null", O_RDONLY | O_CLOEXEC)));  // epoll takes no files
  EXPECT_FALSE(file.attach(loop, nobody));
  EXPECT_FALSE(file.is_attached());
}

INSTANTIATE_TEST_SUITE_P(Way, Sending,
                         ::testing::Values(SendBatch::Way::automatic, SendBatch::Way::one_by_one));

}  // namespace
}  // namespace forebay::net
