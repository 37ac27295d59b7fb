#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert/board.hpp"
#include "alert/growth.hpp"
#include "http/figures.hpp"

namespace forebay::http {

/// Makes values of signals from figures: those of now, and those over a window, from what counters were at
/// its beginning. expressions.cpp of `alert` says the same in PromQL. Not thread safe.
class Readings {
 public:
  /// What all signals are now. `figures` come about once a second.
  std::vector<alert::Reading> take(const Figures& figures, TimePoint now, Duration window);

 private:
  /// Windows begin at one of so many instants.
  static constexpr int kSteps = 12;

  using CacheName = std::pair<std::string, std::string>;  ///< database, server
  struct CacheCounts {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
  };
  using ReportPtr = std::shared_ptr<const pgfront::LatencyReport>;
  /// What counters were.
  struct Past {
    TimePoint at;
    /// 9 KB each; one to which nothing has come since the past before has the same.
    std::map<std::string, ReportPtr, std::less<>> databases;
    std::map<CacheName, CacheCounts> caches;  ///< before what has come since the look at them before
    double cpu_seconds = 0;
    double busy_seconds = 0;
    double idle_seconds = 0;
    observe::Histogram health_answers;

    const ReportPtr* report_of(std::string_view database) const;  ///< null: it was not known
  };

  Past past_of(const Figures& figures, TimePoint now) const;
  CacheCounts earliest(const CacheName& name) const;
  void remember(const Figures& figures, TimePoint now, Duration window);

  std::deque<Past> pasts_;
  /// Of every cache that there was: one without clients is told of no more, and goes on when it is used
  /// again.
  std::map<CacheName, CacheCounts> latest_;
  alert::Growth growth_;
};

}  // namespace forebay::http
