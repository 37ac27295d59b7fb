#include "service_manager.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace forebay {

namespace {

/// SD_LISTEN_FDS_START: the first descriptor that is passed.
constexpr int kFirstPassed = 3;
/// More than any unit has; a number beyond it is not meant for us.
constexpr std::uint64_t kMostPassed = 64;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Whether a variable that names a process names this one.
bool is_for_us(const char* name, bool when_unset) {
  const auto pid = number(variable(name));
  return pid ? *pid == static_cast<std::uint64_t>(::getpid()) : when_unset;
}

std::vector<net::Fd> passed_sockets() {
  std::vector<net::Fd> sockets;
  const auto count = number(variable("LISTEN_FDS"));
  if (is_for_us("LISTEN_PID", false) && count && *count <= kMostPassed) {
    for (int fd = kFirstPassed; fd < kFirstPassed + static_cast<int>(*count); ++fd) sockets.emplace_back(fd);
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return sockets;
}

/// Half of what systemd waits for, as sd_watchdog_enabled(3) advises.
Duration watchdog_interval() {
  const auto micros = number(variable("WATCHDOG_USEC"));
  const bool ours = is_for_us("WATCHDOG_PID", true);
  ::unsetenv("WATCHDOG_PID");  // the process that takes over inherits the duty
  if (!micros || !ours) return Duration(0);
  return std::chrono::duration_cast<Duration>(std::chrono::microseconds(*micros / 2));
}

std::uint64_t monotonic_micros() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

}  // namespace

ServiceManager::ServiceManager()
    : address_(variable("NOTIFY_SOCKET")),
      sockets_(passed_sockets()),
      watchdog_(watchdog_interval()),
      timer_([this] { look_at_loops(); }) {}

ServiceManager::~ServiceManager() = default;

void ServiceManager::ready(std::string_view status, bool main_process) {
  std::string state = fmt::format("READY=1\nSTATUS={}", status);
  if (main_process) state += fmt::format("\nMAINPID={}", ::getpid());
  send(state);
}

void ServiceManager::reloading() {
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_micros()));
}

void ServiceManager::reloaded() {
  send("READY=1");
}

void ServiceManager::stopping(std::string_view status) {
  send(fmt::format("STOPPING=1\nSTATUS={}", status));
}

void ServiceManager::fall_silent() {
  address_.clear();
  timer_.cancel();
}

void ServiceManager::watch(std::vector<net::Loop*> loops) {
  if (address_.empty() || watchdog_.count() == 0) return;
  loops_ = std::move(loops);
  answers_ = std::make_shared<std::atomic<std::size_t>>(loops_.size());
  look_at_loops();
}

void ServiceManager::look_at_loops() {
  if (answers_->load() >= loops_.size()) {
    send("WATCHDOG=1");
    answers_->store(0);
    for (net::Loop* loop : loops_) {
      loop->post([answers = answers_] { answers->fetch_add(1); });
    }
  }
  timer_.start(*loops_.front(), watchdog_);
}

void ServiceManager::send(const std::string& state) const {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (address_.empty() || address_.size() >= sizeof to.sun_path) return;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';  // the abstract namespace, unix(7)
  const net::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  // Nobody to tell is no reason to stop.
  [[maybe_unused]] const auto sent = ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
                                              reinterpret_cast<const sockaddr*>(&to), length);
}

}  // namespace forebay
