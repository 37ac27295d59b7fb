#pragma once

#include <cstdint>

namespace forebay::http {

/// What the kernel says of this process, under the names that Prometheus' own libraries give to it.
struct ProcessFacts {
  double cpu_seconds = 0;
  double start_time = 0;  ///< seconds since 1970
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t most_files = 0;
  std::uint64_t threads = 0;
};

/// Reads /proc/self (https://man7.org/linux/man-pages/man5/proc.5.html): tens of microseconds.
/// By one thread.
ProcessFacts process_facts();

}  // namespace forebay::http
