#pragma once

#include "config/settings.hpp"

namespace forebay::backend {

/// What a change stream is to reach.
struct StreamWish {
  config::CacheLevel level = config::CacheLevel::best;
  /// Somebody decided that there be a cache. Otherwise it takes only what the server can spare, and is no
  /// worse for not coming about.
  bool was_asked_for = true;

  static StreamWish of(const config::Cache& rules) {
    const bool by_itself =
        rules.enabled == config::CacheUse::automatic && rules.level == config::CacheLevel::best;
    return {by_itself ? config::CacheLevel::bounded : rules.level, !by_itself};
  }
};

}  // namespace forebay::backend
