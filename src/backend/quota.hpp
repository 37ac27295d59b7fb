#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace forebay::backend {

/// A global count with a limit: how many backends a user, a database or a pool has. Thread safe and exact: a
/// permit is taken before a backend is opened and lives inside it, so a slot cannot leak.
class Quota {
 public:
  static constexpr std::uint32_t kUnlimited = UINT32_MAX;

  void set_limit(std::uint32_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  std::uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }
  std::uint32_t used() const { return used_.load(); }

  bool try_acquire() {
    std::uint32_t used = used_.load(std::memory_order_relaxed);
    while (used < limit()) {
      if (used_.compare_exchange_weak(used, used + 1)) return true;
    }
    return false;
  }
  void release() { used_.fetch_sub(1); }

 private:
  std::atomic<std::uint32_t> used_ = 0;
  std::atomic<std::uint32_t> limit_ = kUnlimited;
};

/// What counts against one user or one database.
struct Quotas {
  Quota backends;
  Quota clients;
};

/// One unit of a Quota, given back when it goes.
class Permit {
 public:
  Permit() = default;
  explicit Permit(Quota& quota) : quota_(&quota) {}
  Permit(Permit&& other) noexcept : quota_(std::exchange(other.quota_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(quota_, other.quota_);
    return *this;
  }
  ~Permit() {
    if (quota_ != nullptr) quota_->release();
  }

 private:
  Quota* quota_ = nullptr;
};

}  // namespace forebay::backend
