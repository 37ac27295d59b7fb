#include "backend/change_stream.hpp"

#include <algorithm>
#include <utility>

#include <poll.h>

#include "backend/stream_session.hpp"
#include "observe/log.hpp"

namespace forebay::backend {
namespace {

constexpr Duration kFirstPause{1'000};
constexpr Duration kLongestPause{30'000};
/// What DROP DATABASE or CREATE DATABASE may take, once we are gone.
constexpr Duration kAway{10'000};
constexpr Duration kLongestGoodbye{1'000};

}  // namespace

ChangeStream::ChangeStream(std::shared_ptr<const Target> target, std::string database, StreamWish wish,
                           cache::Freshness& freshness)
    : target_(std::move(target)), database_(std::move(database)), wish_(wish), freshness_(freshness) {
  freshness_.set_waker([this] { waker_.wake(); });
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ChangeStream::~ChangeStream() {
  thread_.request_stop();
  thread_.join();
  freshness_.set_waker(nullptr);
}

void ChangeStream::let_go() {
  letting_go_.store(true);
  waker_.wake();
  std::unique_lock lock(mutex_);
  gone_.wait_for(lock, kLongestGoodbye, [this] { return !is_connected_; });
}

void ChangeStream::run(const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [this] { waker_.wake(); });
  Duration length = kFirstPause;
  while (!stop.stop_requested()) {
    bool has_begun = false;
    const std::string why = run_session(stop, has_begun);
    if (letting_go_.exchange(false)) {
      freshness_.end_epoch("the database is about to be dropped or copied");
      pause(stop, kAway);
      continue;
    }
    freshness_.end_epoch(stop.stop_requested() ? "the change stream was stopped" : why);
    if (stop.stop_requested()) break;
    if (has_begun) {
      length = kFirstPause;
      reported_.clear();
    }
    report(why);
    pause(stop, length);
    length = std::min(2 * length, kLongestPause);
  }
  ended_.store(true);
}

std::string ChangeStream::run_session(const std::stop_token& stop, bool& has_begun) {
  {
    const std::lock_guard lock(mutex_);
    is_connected_ = true;
  }
  std::string why;
  {
    StreamSession session(*target_, database_, wish_, freshness_, waker_);
    why = session.run([&] { return stop.stop_requested() || letting_go_.load(); });
    has_begun = session.has_begun();
  }
  const std::lock_guard lock(mutex_);
  is_connected_ = false;
  gone_.notify_all();
  return why;
}

void ChangeStream::report(const std::string& why) {
  if (std::exchange(reported_, why) == why) return;
  observe::Event event("cache is off");
  event.with("database", database_).with("server", target_->name()).with("why", why);
  wish_.was_asked_for ? event.warning() : event.info();
}

/// Use that begins meanwhile wakes us, too, but changes nothing.
void ChangeStream::pause(const std::stop_token& stop, Duration length) const {
  const TimePoint end = Clock::now() + length;
  while (!stop.stop_requested()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    pollfd polled{waker_.fd(), POLLIN, 0};
    if (left.count() <= 0) return;
    if (poll(&polled, 1, static_cast<int>(left.count())) <= 0) continue;
    waker_.clear();
  }
}

}  // namespace forebay::backend
