#include "net/loop.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include <unistd.h>

#include "base/result.hpp"

namespace forebay::net {

namespace {

thread_local Loop* current_loop = nullptr;

int checked(int value, const char* call) {
  if (value < 0) throw std::runtime_error(std::string(call) + ": " + errno_text(errno));
  return value;
}

}  // namespace

void Timer::start(Loop& loop, Duration delay) {
  cancel();
  loop_ = &loop;
  place_ = loop.timers_.emplace(Clock::now() + delay, this);
}

void Timer::cancel() {
  if (loop_ == nullptr) return;
  loop_->timers_.erase(place_);
  loop_ = nullptr;
}

Loop::Loop(SendBatch::Way sending)
    : epoll_fd_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      scratch_(std::make_unique<std::array<std::byte, kScratchSize>>()),
      sends_(std::make_unique<SendBatch>(sending)) {
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  checked(epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, waker_.fd(), &event), "epoll_ctl");
}

Loop::~Loop() {
  for (const auto& [when, timer] : timers_) timer->loop_ = nullptr;
  ::close(epoll_fd_);
}

Loop* Loop::current() {
  return current_loop;
}

bool Loop::try_add(int fd, std::uint32_t events, Handler& handler) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  return epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::add(int fd, std::uint32_t events, Handler& handler) {
  checked(try_add(fd, events, handler) ? 0 : -1, "epoll_ctl");
}

/// Needs no memory: it fails only when `fd` is not here, which is a mistake of ours.
void Loop::modify(int fd, std::uint32_t events, Handler& handler) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  checked(epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
}

void Loop::remove(int fd, Handler& handler) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = next_event_; i < event_count_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &handler) {
      events_[static_cast<std::size_t>(i)].events = 0;
    }
  }
}

void Loop::post(std::function<void()> task) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (wake) waker_.wake();
}

void Loop::defer(std::function<void()> task) {
  deferred_.push_back(std::move(task));
}

void Loop::stop() {
  stopping_.store(true);
  post([] {});
}

int Loop::wait_milliseconds(TimePoint now) const {
  if (!deferred_.empty()) return 0;
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - now).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000));
}

void Loop::run() {
  current_loop = this;
  TimePoint round_end = Clock::now();
  while (!stopping_.load(std::memory_order_relaxed)) {
    const int count =
        epoll_wait(epoll_fd_, events_.data(), static_cast<int>(events_.size()), wait_milliseconds(round_end));
    now_ = Clock::now();
    if (count > 0) run_events(count);
    run_timers();
    run_deferred();
    sends_->flush();
    round_end = Clock::now();
    end_round(round_end);
  }
  current_loop = nullptr;
}

void Loop::end_round(TimePoint now) {
  if (round_watchers_.empty()) return;
  const std::uint64_t micros = micros_between(now_, now);
  for (RoundWatcher* watcher : round_watchers_) watcher->on_round_end(micros);
  round_watchers_.clear();
}

void Loop::run_events(int count) {
  event_count_ = count;
  for (next_event_ = 0; next_event_ < event_count_;) {
    const epoll_event event = events_[static_cast<std::size_t>(next_event_++)];
    if (event.events == 0) continue;
    if (event.data.ptr == nullptr) {
      run_posted();
    } else {
      static_cast<Handler*>(event.data.ptr)->on_io(event.events);
    }
  }
  next_event_ = event_count_ = 0;
}

void Loop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first <= now_) {
    Timer* timer = timers_.begin()->second;
    timer->cancel();
    timer->on_expiry_();
  }
}

void Loop::run_posted() {
  waker_.clear();
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (auto& task : tasks) task();
}

void Loop::forget_tasks() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  const auto deferred = std::move(deferred_);
  deferred_.clear();
}

/// What goes on and on deferring work must not keep the others from theirs.
void Loop::run_deferred() {
  constexpr int kMostPasses = 16;
  for (int pass = 0; pass < kMostPasses && !deferred_.empty(); ++pass) {
    std::vector<std::function<void()>> tasks;
    tasks.swap(deferred_);
    for (auto& task : tasks) task();
  }
}

}  // namespace forebay::net
