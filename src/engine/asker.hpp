#pragma once

#include <cstdint>
#include <memory>

#include "backend/profile.hpp"
#include "backend/session_settings.hpp"
#include "net/loop.hpp"

namespace forebay::backend {
class Pool;
}

namespace forebay::engine {

/// What of somebody's session an answer depends on, and where it lives.
struct Asker {
  net::Loop* loop = nullptr;  ///< of its thread, whose backends are to be used
  std::weak_ptr<backend::Pool> pool;
  std::uint64_t pool_generation = 0;  ///< another one: the pool has moved to another server
  backend::ProfilePtr profile;
  backend::SessionSettingsPtr settings;
};

}  // namespace forebay::engine
