#pragma once

#include <cstdint>

namespace forebay::http {

/// What the kernel says of the machine that the process runs on. Inside a container the processors are still
/// the machine's; memory is the container's when that has a limit (cgroup version 2).
struct MachineFacts {
  std::uint64_t memory_bytes = 0;  ///< 0: not known
  std::uint64_t available_bytes = 0;
  double busy_seconds = 0;  ///< of all processors together, since the machine came up
  double idle_seconds = 0;  ///< likewise; waiting for a disk is idle
};

/// Reads /proc/meminfo, /proc/stat (https://man7.org/linux/man-pages/man5/proc.5.html) and the memory.max of
/// its control group: tens of microseconds. By one thread.
MachineFacts machine_facts();

}  // namespace forebay::http
