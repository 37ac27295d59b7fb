#pragma once

#include <chrono>

namespace forebay {

/// Seconds since 1970, with their fraction: to be shown and kept. It may jump, so nothing is decided by it
/// (see clock.hpp).
inline double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace forebay
