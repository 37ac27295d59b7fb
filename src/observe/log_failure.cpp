#include "observe/log_failure.hpp"

#include <string>

#include "observe/log.hpp"
#include "observe/rate_limit.hpp"

namespace forebay::observe {

namespace {

std::string reason_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception that says nothing of itself";
  }
}

}  // namespace

void LogFailure::operator()(const std::exception_ptr& failure) const {
  if (failure == nullptr) return;
  static RateLimit limit;
  const auto dropped = limit.admit(Clock::now());
  if (!dropped) return;
  Event event(what);
  event.with("reason", reason_of(failure));
  if (*dropped > 0) event.with("not_logged_before", *dropped);
  event.error();
}

}  // namespace forebay::observe
