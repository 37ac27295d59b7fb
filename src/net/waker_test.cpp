#include "net/waker.hpp"

#include <gtest/gtest.h>
#include <poll.h>

namespace forebay::net {
namespace {

bool is_readable(const Waker& waker) {
  pollfd polled{waker.fd(), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

TEST(Waker, WakesUntilItIsCleared) {
  const Waker waker;
  EXPECT_FALSE(is_readable(waker));
  waker.wake();
  waker.wake();
  EXPECT_TRUE(is_readable(waker));
  EXPECT_TRUE(is_readable(waker));
  waker.clear();
  EXPECT_FALSE(is_readable(waker));
  waker.clear();
  waker.wake();
  EXPECT_TRUE(is_readable(waker));
}

}  // namespace
}  // namespace forebay::net
