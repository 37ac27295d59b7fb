#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "http/figures.hpp"
#include "monitor/finished_points.hpp"
#include "monitor/watched.hpp"

namespace forebay::http {

/// Puts what the process does, and what the servers say of themselves, into the history. Used by the thread
/// of HTTP.
class Recorder {
 public:
  /// `watched` outlives this object.
  explicit Recorder(monitor::Watched& watched) : watched_(watched), history_(watched.history) {}

  /// Once a second.
  void note(const Figures& figures, TimePoint now);

 private:
  /// Counters at one time, of all databases together.
  struct Totals {
    TimePoint at;
    backend::Traffic traffic = {};
    engine::CacheDirectory::Totals cached = {};
    double cpu_seconds = 0;
    observe::Histogram calls = {};
    std::uint64_t errors = 0;
  };

  /// One that is not over, of each resolution.
  struct Stretch {
    std::int64_t number = -1;
    observe::Histogram before = {};  ///< what had been called before it began
  };

  void note_rates(const Totals& before, const Totals& after);
  void note_calls(const Totals& before, const Totals& after);
  void note_servers(const Figures& figures, TimePoint now);
  void note_samples(TimePoint now);
  void hand_to_writer(TimePoint now);

  monitor::Watched& watched_;
  monitor::History& history_;
  monitor::SamplesPtr noted_;  ///< null: none
  monitor::FinishedPoints finished_;
  std::optional<Totals> before_;
  std::array<Stretch, monitor::kResolutions.size()> stretches_;
};

}  // namespace forebay::http
