#pragma once

#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/figures.hpp"
#include "monitor/finished_points.hpp"
#include "monitor/watched.hpp"

namespace forebay::http {

/// Puts what the process does, and what the servers say of themselves, into the history, once a second,
/// whether anybody looks or not. Used by the thread of HTTP.
class Recorder {
 public:
  /// `watched` and `watch` outlive this object.
  Recorder(boost::asio::io_context& context, pgfront::Front& front, pgfront::Post here,
           monitor::Watched& watched, const AlertWatch& watch);

 private:
  /// Counters at one time, of all databases together.
  struct Totals {
    TimePoint at;
    backend::Traffic traffic = {};
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t saved_micros = 0;
    double cpu_seconds = 0;
    observe::HistogramSnapshot calls = {};
  };

  void record();
  void note(const Figures& figures, TimePoint now);
  void note_rates(const Totals& before, const Totals& after);
  void note_servers(const Figures& figures, TimePoint now);
  void note_samples(TimePoint now);
  void hand_to_writer(TimePoint now);

  pgfront::Front& front_;
  const pgfront::Post here_;
  monitor::Watched& watched_;
  const AlertWatch& watch_;
  monitor::History& history_;
  monitor::SamplesPtr noted_;  ///< null: none
  monitor::FinishedPoints finished_;
  std::optional<Totals> before_;
  const std::shared_ptr<void> alive_ = std::make_shared<char>();
  boost::asio::steady_timer timer_;
};

}  // namespace forebay::http
