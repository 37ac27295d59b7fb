#include "net/waker.hpp"

#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include <sys/eventfd.h>
#include <unistd.h>

namespace forebay::net {

Waker::Waker() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!fd_) throw std::runtime_error("eventfd: " + errno_text(errno));
}

void Waker::wake() const {
  const std::uint64_t one = 1;
  // Fails only when the counter is at its maximum, and then it is readable anyway.
  [[maybe_unused]] const auto size = ::write(fd(), &one, sizeof one);
}

void Waker::clear() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto size = ::read(fd(), &count, sizeof count);
}

}  // namespace forebay::net
