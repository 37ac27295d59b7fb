#include "backend/server_log.hpp"

#include "backend/pool.hpp"
#include "base/clock.hpp"
#include "observe/log.hpp"

namespace forebay::backend {

namespace {

/// What keeps a server from serving anybody, as opposed to a refusal of one login; empty when it is the
/// latter.
std::string_view reason_unreachable(const Login::Refusal& refusal) {
  if (refusal.server_error.empty()) {
    return refusal.ours.sqlstate == wire::sqlstate::kConnectionFailure
               ? std::string_view(refusal.ours.message)
               : std::string_view();
  }
  if (wire::error_field(refusal.server_error, 'C') != wire::sqlstate::kCannotConnectNow) return {};
  return wire::error_field(refusal.server_error, 'M');
}

}  // namespace

void ServerLog::on_opened(const Pool& pool) {
  if (!any_unreachable_.load(std::memory_order_relaxed)) return;
  const std::string server = pool.target()->name();
  {
    const std::lock_guard lock(mutex_);
    const auto at = unreachable_.find(server);
    if (at == unreachable_.end()) return;
    unreachable_.erase(at);
    any_unreachable_.store(!unreachable_.empty());
  }
  if (!changes_.admit(Clock::now())) return;
  observe::Event("server has recovered").with("server", server).warning();
}

void ServerLog::on_open_failed(const Pool& pool, const Login::Refusal& refusal) {
  const std::string_view reason = reason_unreachable(refusal);
  if (reason.empty()) return;
  const std::string server = pool.target()->name();
  {
    const std::lock_guard lock(mutex_);
    if (!unreachable_.insert(server).second) return;
    any_unreachable_.store(true);
  }
  if (!changes_.admit(Clock::now())) return;
  observe::Event("server is unreachable").with("server", server).with("reason", reason).warning();
}

void ServerLog::on_wait_expired(const Pool& pool, Duration waited) {
  const auto dropped = waits_.admit(Clock::now());
  if (!dropped) return;
  observe::Event event("no backend came free in time");
  event.with("user", pool.user()).with("database", pool.database()).with("server", pool.target()->name());
  event.with("milliseconds", static_cast<std::uint64_t>(waited.count()));
  event.with("backends", pool.open_backends())
      .with("limit", pool.most_backends())
      .with("waiting", pool.waiting());
  if (*dropped > 0) event.with("not_logged_before", *dropped);
  event.warning();
}

}  // namespace forebay::backend
