#pragma once

#include "alert/uptime.hpp"
#include "observe/histogram.hpp"

namespace forebay::http {

/// What is known of Forebay's own health over time. Used by the thread of HTTP.
struct HealthRecord {
  /// In microseconds: from having read a request for /health, or a path below it, to having sent the answer.
  observe::Histogram answers;
  /// Whether clients could be served.
  alert::Uptime ready;
};

}  // namespace forebay::http
