#pragma once

#include <memory>

#include "engine/errand.hpp"
#include "pgfront/front.hpp"

namespace forebay {

/// A look at the server when the process starts: whether the upstream's user can log in, and may look others
/// up; and, where that is left to the server, whether there will be a cache. It is logged before a client
/// comes; nothing waits for it. Used by one loop's thread.
class FirstLook {
 public:
  /// `front` outlives this.
  explicit FirstLook(pgfront::Front& front);

 private:
  void ask(pgfront::Front& front, bool looks_up, bool is_cache_open);
  void on_rights(const engine::Errand::Outcome& outcome);
  void on_decoding(const engine::Errand::Outcome& outcome) const;

  const config::SettingsPtr settings_;
  std::unique_ptr<engine::Errand> rights_;    ///< null: nothing is asked
  std::unique_ptr<engine::Errand> decoding_;  ///< likewise
};

}  // namespace forebay
