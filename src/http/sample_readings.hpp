#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alert/board.hpp"
#include "monitor/growth.hpp"
#include "monitor/samples.hpp"

namespace forebay::http {

/// Makes values of signals from what servers say of themselves. What is not answered any more has no value.
/// expressions.cpp of `alert` says the same in PromQL. Not thread safe.
class SampleReadings {
 public:
  /// What all signals of servers are now. Comes about once a second; counters are compared with what they
  /// were a window ago, or when they were seen first.
  std::vector<alert::Reading> take(const monitor::Samples& samples, const monitor::Growth& growth,
                                   TimePoint now, Duration window);

 private:
  /// Windows begin at one of so many instants.
  static constexpr int kSteps = 12;

  /// Of a database since the server's counters were last reset.
  struct Counters {
    double deadlocks = 0;
    double blocks_hit = 0;
    double blocks_read = 0;
    double temporary_bytes = 0;

    Counters since(const Counters& earlier) const;  ///< see observe::growth
  };
  /// By server and database.
  using AllCounters = std::map<std::pair<std::string, std::string>, Counters>;
  struct Past {
    TimePoint at;
    AllCounters counters;
  };

  static AllCounters counters_of(const monitor::Samples& samples, TimePoint now);
  const Counters* earliest(const AllCounters::key_type& key) const;

  std::deque<Past> pasts_;
};

}  // namespace forebay::http
