#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "alert/board.hpp"
#include "http/figures.hpp"
#include "http/health_record.hpp"
#include "http/readings.hpp"
#include "http/sample_readings.hpp"
#include "http/webhook.hpp"
#include "monitor/watched.hpp"
#include "pgfront/facts.hpp"

namespace forebay::http {

/// Looks at the figures of each second, keeps the alerts, and tells of them: in the log and by the webhook. A
/// reload's rules hold from the next second on. Used by the thread of HTTP.
class AlertWatch {
 public:
  /// `watched` outlives this object.
  AlertWatch(boost::asio::io_context& context, pgfront::Front& front, const monitor::Watched& watched,
             std::string instance);

  void take(const Figures& figures, TimePoint now);

  /// Another process watches now.
  void stop();

  const alert::Board& board() const { return board_; }
  HealthRecord& health() { return health_; }
  const HealthRecord& health() const { return health_; }
  AlertFigures figures() const;
  /// False when there is no such active alert, or it has been acknowledged already.
  bool acknowledge(std::string_view id, std::string_view by);
  bool resolve(std::string_view id, std::string_view by);

 private:
  void use_settings();
  void tell(const std::vector<alert::Change>& changes, double now);

  pgfront::Front& front_;
  const monitor::Watched& watched_;
  alert::Board board_;
  HealthRecord health_;
  Readings readings_;
  SampleReadings sample_readings_;
  Webhook webhook_;
  config::SettingsPtr settings_;
  TimePoint repeated_at_{};
  bool is_stopped_ = false;
};

}  // namespace forebay::http
