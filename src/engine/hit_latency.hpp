#pragma once

#include <cstdint>
#include <utility>

#include "net/loop.hpp"
#include "observe/histogram.hpp"

namespace forebay::engine {

/// How long answers from memory took, of one database on one thread: from the beginning of the round in which
/// the question was read to the end of that round, when everything of it had been sent that clients take,
/// that of other clients too; so it is at most what is told. Costs no look at the clock: the loop has looked.
/// Used by one thread; outlives the loop's rounds.
class HitLatency final : private net::RoundWatcher {
 public:
  /// So many answers are on their way.
  void note(std::uint64_t answers) {
    if (of_this_round_ == 0) net::Loop::current()->watch_round(*this);
    of_this_round_ += answers;
  }
  const observe::Histogram& times() const { return times_; }

 private:
  void on_round_end(std::uint64_t micros) override { times_.add(micros, std::exchange(of_this_round_, 0)); }

  std::uint64_t of_this_round_ = 0;
  observe::Histogram times_;
};

}  // namespace forebay::engine
