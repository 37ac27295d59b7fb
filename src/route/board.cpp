#include "route/board.hpp"

#include <utility>

namespace forebay::route {

void Board::publish(std::shared_ptr<const Topology> topology) {
  has_choice_.store(topology->servers.size() > 1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    topology_ = std::move(topology);
  }
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const Topology> Board::topology() const {
  const std::lock_guard lock(mutex_);
  return topology_;
}

const Topology& Board::take_anew() const {
  thread_local std::shared_ptr<const Topology> copy;
  // Read before the topology: at worst it is taken once too often.
  const std::uint64_t present = version_.load(std::memory_order_acquire);
  copy = topology();
  of_this_thread_ = {this, present, copy.get()};
  return *copy;
}

void Board::want_news() {
  if (wished_.exchange(true)) return;
  const std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

void Board::set_waker(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void Board::note_write(TimePoint now) {
  TimePoint known = written_at_.load(std::memory_order_relaxed);
  while (known < now && !written_at_.compare_exchange_weak(known, now)) {
  }
}

}  // namespace forebay::route
