#include "base/clock.hpp"

#include <cstdio>

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace forebay {
namespace {

#ifndef CLONE_NEWTIME
constexpr int CLONE_NEWTIME = 0x80;  // linux/sched.h
#endif

constexpr std::chrono::hours kSuspended{24};

enum Outcome : int { kCounts, kStandsStill, kNotAllowed };

/// As root only, or where users may have namespaces of their own.
bool has_been_suspended() {
  if (unshare(CLONE_NEWTIME) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWTIME) != 0) return false;
  std::FILE* offsets = std::fopen("/proc/self/timens_offsets", "w");
  if (offsets == nullptr) return false;
  std::fprintf(offsets, "boottime %lld 0\n",
               static_cast<long long>(std::chrono::seconds(kSuspended).count()));
  return std::fclose(offsets) == 0;
}

int exit_code_of(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : kNotAllowed;
}

/// In a process whose machine was suspended for a day: such a namespace tells its children so.
Outcome look_after_a_suspend() {
  const pid_t parent = fork();
  if (parent == 0) {
    if (!has_been_suspended()) _exit(kNotAllowed);
    const pid_t child = fork();
    if (child != 0) _exit(child < 0 ? kNotAllowed : exit_code_of(child));
    const auto ahead = Clock::now().time_since_epoch() - std::chrono::steady_clock::now().time_since_epoch();
    _exit(ahead >= kSuspended ? kCounts : kStandsStill);
  }
  return static_cast<Outcome>(exit_code_of(parent));
}

TEST(Clock, GoesOnWhileTheMachineIsSuspended) {
  const Outcome outcome = look_after_a_suspend();
  if (outcome == kNotAllowed) GTEST_SKIP() << "no time namespace may be made here";
  EXPECT_EQ(outcome, kCounts);
}

TEST(Clock, NeverGoesBack) {
  TimePoint before = Clock::now();
  for (int i = 0; i < 1000; ++i) {
    const TimePoint now = Clock::now();
    ASSERT_GE(now, before);
    before = now;
  }
}

}  // namespace
}  // namespace forebay
