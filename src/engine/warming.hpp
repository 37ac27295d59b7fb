#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backend/pool_directory.hpp"
#include "base/clock.hpp"
#include "engine/cache_directory.hpp"
#include "engine/errand.hpp"
#include "engine/warm_list.hpp"

namespace forebay::engine {

/// Writes down which questions are answered from memory most (`cache.warm_file`), and has them asked again
/// after a start: of a role whose password the configuration has, at once; of others when they log in. Used
/// by the thread of `loop`; blocks for the file.
class Warming {
 public:
  /// All outlive it.
  Warming(net::Loop& loop, backend::PoolDirectory& pools, CacheDirectory& caches)
      : loop_(loop), pools_(pools), caches_(caches) {}

  /// To be called every tenth of a second or so.
  void sweep(TimePoint now);
  /// Writes the list, unless there is nothing to be written.
  void save() const;

 private:
  using Role = std::pair<std::string, std::string>;  ///< user and database
  /// A role whose questions have been read and not all asked.
  struct Waiting {
    std::vector<Question> questions;  ///< the hottest at the back
    std::unique_ptr<Errand> opening;  ///< of the first backend, when we log in ourselves
    bool is_open = false;             ///< there is a pool to ask by
  };

  void begin(TimePoint now);
  void log_in(const Role& role, Waiting& waiting);
  void ask(const Role& role, Waiting& waiting);
  std::shared_ptr<backend::Pool> find_pool(const Role& role) const;
  void forget();
  std::vector<std::string> hottest() const;

  net::Loop& loop_;
  backend::PoolDirectory& pools_;
  CacheDirectory& caches_;
  bool has_begun_ = false;
  std::string path_;  ///< as the configuration said at the start; empty: nothing is done
  std::vector<WarmQuestion>
      loaded_;  ///< what the list held, as long as this start may not have shown that it is cold
  std::map<Role, Waiting> waiting_;
  std::vector<std::shared_ptr<DatabaseCache>> held_;  ///< of databases that no client uses yet
  TimePoint next_save_{};
  TimePoint let_go_at_{};
  TimePoint forget_at_{};
};

}  // namespace forebay::engine
