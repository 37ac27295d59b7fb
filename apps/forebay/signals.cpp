#include "signals.hpp"

#include <csignal>
#include <cstring>

#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "observe/log.hpp"

namespace forebay {

namespace {

/// A process that was started to take over and has ended while this one still serves.
void collect_children() {
  int status = 0;
  for (pid_t child; (child = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    observe::Event("the process that was started to take over has ended")
        .with("process", static_cast<std::uint64_t>(child))
        .with("status",
              static_cast<std::uint64_t>(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)))
        .warning();
  }
}

}  // namespace

Signals::Signals(net::Loop& loop, Actions actions) : loop_(loop), actions_(std::move(actions)) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = net::Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  loop_.add(fd_.get(), EPOLLIN, *this);
}

Signals::~Signals() {
  loop_.remove(fd_.get(), *this);
}

void Signals::on_io(std::uint32_t) {
  signalfd_siginfo info{};
  while (::read(fd_.get(), &info, sizeof info) == sizeof info) {
    switch (info.ssi_signo) {
      case SIGHUP:
        actions_.reload();
        break;
      case SIGUSR2:
        actions_.replace();
        break;
      case SIGCHLD:
        collect_children();
        break;
      default:
        actions_.stop(strsignal(static_cast<int>(info.ssi_signo)));
    }
  }
}

}  // namespace forebay
