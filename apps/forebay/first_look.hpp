#pragma once

#include <memory>

#include "engine/errand.hpp"
#include "pgfront/front.hpp"

namespace forebay {

/// A look at the server when the process starts: whether the upstream's user can log in, and may look others
/// up. What is wrong is logged before a client comes; nothing waits for it. Used by one loop's thread.
class FirstLook {
 public:
  /// `front` outlives this.
  explicit FirstLook(pgfront::Front& front);

 private:
  void on_answer(const engine::Errand::Outcome& outcome);

  const config::SettingsPtr settings_;
  std::unique_ptr<engine::Errand> errand_;  ///< null: nothing is asked
};

}  // namespace forebay
