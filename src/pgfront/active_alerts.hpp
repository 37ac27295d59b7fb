#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "alert/board.hpp"

namespace forebay::pgfront {

/// The alerts that are active, for the console. Whoever watches tells them: the room http, which stands below
/// this one and whose board belongs to its thread. Thread safe.
class ActiveAlerts {
 public:
  using List = std::shared_ptr<const std::vector<alert::Alert>>;

  /// The worst first, as the board has them; whenever they may have changed.
  void tell(std::vector<alert::Alert> active) {
    auto list = std::make_shared<const std::vector<alert::Alert>>(std::move(active));
    const std::lock_guard lock(mutex_);
    list_.swap(list);
  }
  /// Never null; empty also while nobody watches.
  List list() const {
    const std::lock_guard lock(mutex_);
    return list_;
  }

 private:
  mutable std::mutex mutex_;
  List list_ = std::make_shared<const std::vector<alert::Alert>>();  ///< guarded by mutex_
};

}  // namespace forebay::pgfront
