#include "retirement.hpp"

#include <numeric>

#include "observe/log.hpp"
#include "pgfront/worker.hpp"

namespace forebay {

namespace {

constexpr Duration kLookInterval{50};

}  // namespace

Retirement::Retirement(net::Loop& loop, pgfront::Front& front)
    : loop_(loop),
      front_(front),
      deadline_(Deadline::in(Clock::now(), front.settings()->timeouts.shutdown)),
      closed_(std::make_shared<std::atomic<std::size_t>>(0)),
      timer_([this] { look(); }) {
  for (pgfront::Worker* worker : front.workers()) {
    worker->stop_listening(pgfront::Backlog::left_to_others);
    worker->loop().post([closed = closed_] { closed->fetch_add(1); });
  }
  look();
}

void Retirement::look() {
  if (front_.is_draining()) return;
  const auto& workers = front_.workers();
  const std::size_t left = std::accumulate(
      workers.begin(), workers.end(), std::size_t{0},
      [](std::size_t sum, const pgfront::Worker* worker) { return sum + worker->client_count(); });
  const bool nobody_left = closed_->load() == workers.size() && left == 0;
  if (nobody_left || deadline_.has_passed(Clock::now())) {
    observe::Event(nobody_left ? "stopping: the last client has left"
                               : "stopping: timeouts.shutdown has passed")
        .with("clients", left)
        .info();
    return front_.shut_down(Duration(0));
  }
  timer_.start(loop_, kLookInterval);
}

}  // namespace forebay
