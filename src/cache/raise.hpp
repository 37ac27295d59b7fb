#pragma once

#include <atomic>

namespace forebay::cache {

/// Raises `mark` to `value`; it never goes back. What was written before is seen by whoever reads the mark.
template <typename T>
void raise(std::atomic<T>& mark, T value) {
  T known = mark.load(std::memory_order_relaxed);
  while (known < value && !mark.compare_exchange_weak(known, value, std::memory_order_release)) {
  }
}

}  // namespace forebay::cache
