#include "monitor/server_line.hpp"

#include <utility>

#include <fmt/format.h>

namespace forebay::monitor {

namespace {

constexpr Duration kRetryPause{1'000};

}  // namespace

pollfd ServerLine::polled() const {
  if (connection_ == nullptr) return {-1, 0, 0};
  return {connection_->fd(), connection_->events(), 0};
}

ServerLine::Progress ServerLine::open(const backend::Target& target, const std::string& database,
                                      TimePoint now, bool has_events, std::string& why) {
  if (connection_ == nullptr) {
    if (now < not_before_) return Progress::busy;
    connection_ = std::make_unique<backend::StreamConnection>(target, database, purpose_);
    began_ = now;
    // Not before it is writable, or libpq waits for that. Without a socket it has a reason to tell.
    if (connection_->fd() >= 0) return Progress::busy;
  } else if (!has_events) {
    if (!is_late(now)) return Progress::busy;
    why = lateness();
    return Progress::failed;
  }
  const Progress progress = connection_->connect();
  if (progress == Progress::failed) why = connection_->problem().text;
  is_open_ = progress == Progress::done;
  return progress;
}

bool ServerLine::ask(const std::string& sql, TimePoint now) {
  began_ = now;
  return connection_->ask(sql);
}

std::string ServerLine::lateness() const {
  return fmt::format("no answer within {} ms", patience_.count());
}

std::string ServerLine::close(std::string why, TimePoint now) {
  reset();
  not_before_ = now + kRetryPause;
  return why.empty() ? "the connection was closed" : std::move(why);
}

void ServerLine::reset() {
  connection_.reset();
  is_open_ = false;
  not_before_ = {};
}

}  // namespace forebay::monitor
