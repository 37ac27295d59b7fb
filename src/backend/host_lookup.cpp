#include "backend/host_lookup.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace forebay::backend {

namespace {

constexpr Duration kPeriod{5'000};
constexpr Duration kSoonest{1'000};

bool is_name(const std::string& host) {
  return host == "localhost" || !net::numeric_address(host, 0);
}

}  // namespace

struct HostLookup::State {
  explicit State(const config::Upstream& looked_up) : server(looked_up) {}

  void run();
  bool look(const std::shared_ptr<const Target>& before);

  const config::Upstream server;
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> wake;    ///< guarded by mutex; null: nobody is interested any more
  Outcome outcome;               ///< guarded by mutex
  bool is_hurry_wanted = false;  ///< guarded by mutex
};

/// Whether something is another than it was. What has the same addresses stays the same object.
bool HostLookup::State::look(const std::shared_ptr<const Target>& before) {
  Outcome now{.target = before};
  if (before == nullptr) {
    if (auto made = Target::make(server)) {
      now.target = std::move(*made);
    } else {
      now.problem = made.error().text;
    }
  } else if (auto addresses = net::resolve(server.host, server.port); !addresses) {
    now.problem = addresses.error().text;
  } else if (auto target = before->at(std::move(*addresses)); target->place() != before->place()) {
    now.target = std::move(target);
  }
  const std::lock_guard lock(mutex);
  const bool is_news = now.target != outcome.target || now.problem != outcome.problem;
  outcome = std::move(now);
  return is_news;
}

void HostLookup::State::run() {
  for (;;) {
    const TimePoint begun = Clock::now();
    const bool is_news = look(outcome.target);  // which nobody else changes
    std::unique_lock lock(mutex);
    if (is_news && wake) wake();
    const auto is_over = [this] { return wake == nullptr; };
    if (changed.wait_until(lock, begun + kSoonest, is_over)) return;
    changed.wait_until(lock, begun + kPeriod, [&] { return is_over() || is_hurry_wanted; });
    if (is_over()) return;
    is_hurry_wanted = false;
  }
}

HostLookup::HostLookup(const config::Upstream& server, std::function<void()> wake)
    : state_(std::make_shared<State>(server)) {
  if (!is_name(server.host)) {
    state_->look(nullptr);
    return;
  }
  state_->wake = std::move(wake);
  std::thread([state = state_] { state->run(); }).detach();
}

HostLookup::~HostLookup() {
  const std::lock_guard lock(state_->mutex);
  state_->wake = nullptr;
  state_->changed.notify_all();
}

HostLookup::Outcome HostLookup::outcome() const {
  const std::lock_guard lock(state_->mutex);
  return state_->outcome;
}

void HostLookup::hurry() {
  const std::lock_guard lock(state_->mutex);
  state_->is_hurry_wanted = true;
  state_->changed.notify_all();
}

}  // namespace forebay::backend
