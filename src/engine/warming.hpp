#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "backend/pool_directory.hpp"
#include "base/clock.hpp"
#include "engine/cache_directory.hpp"
#include "engine/errand.hpp"
#include "engine/warm_list.hpp"

namespace forebay::engine {

/// Writes down which questions are answered from memory most (`cache.warm_file`), and has them asked again
/// after a start: of a role whose password the configuration has, at once; of others when they log in. Used
/// by one thread; blocks for the file only.
class Warming {
 public:
  /// Both outlive it.
  Warming(backend::PoolDirectory& pools, CacheDirectory& caches) : pools_(pools), caches_(caches) {}

  /// To be called every second or so.
  void sweep(TimePoint now);
  /// Writes the list, unless there is nothing in memory that has been asked for again.
  void save() const;

 private:
  void load(const std::string& path);
  bool ask_for(const WarmQuestion& warm, bool may_begin);
  std::shared_ptr<backend::Pool> pool_for(const WarmQuestion& warm, bool may_begin);
  std::vector<WarmQuestion> hottest() const;

  backend::PoolDirectory& pools_;
  CacheDirectory& caches_;
  bool is_loaded_ = false;
  std::list<WarmQuestion> left_;  ///< not asked yet
  TimePoint next_save_{};
  TimePoint begin_until_{};
  std::vector<std::unique_ptr<Errand>> openings_;  ///< of pools that no client has asked for
};

}  // namespace forebay::engine
