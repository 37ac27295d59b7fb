#include "http/alert_watch.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/wall_clock.hpp"
#include "observe/log.hpp"

namespace forebay::http {

namespace {

/// Alertmanager forgets what it has not heard of for five minutes, unless it is told otherwise.
constexpr std::chrono::minutes kRepeat{1};

void log(const alert::Change& change) {
  const alert::Alert& alert = change.alert;
  const config::Signal& signal = *alert.signal;
  observe::Event event("alert " + std::string(name_of(change.what)));
  event.with("alert", alert.rule).with("level", config::name_of(alert.level));
  if (change.level_before) event.with("before", config::name_of(*change.level_before));
  for (const auto& [label, value] : alert.labels) event.with(label, value);
  event.with("value", config::value_text(signal.unit, alert.value));
  if (signal.unit != config::SignalUnit::flag)
    event.with("limit", config::value_text(signal.unit, alert.threshold));
  event.with("id", alert.id);
  if (change.what == alert::Happened::acknowledged) event.with("by", alert.acknowledged_by);
  if (change.what == alert::Happened::resolved) event.with("by", alert.resolved_by);
  const bool is_bad = change.what == alert::Happened::raised || change.what == alert::Happened::level_changed;
  if (!is_bad || alert.level == alert::AlertLevel::info) return event.info();
  alert.level == alert::AlertLevel::critical ? event.error() : event.warning();
}

}  // namespace

AlertWatch::AlertWatch(boost::asio::io_context& context, pgfront::Front& front,
                       const monitor::Watched& watched, std::string instance)
    : front_(front), watched_(watched), webhook_(context, std::move(instance)) {
  use_settings();
}

void AlertWatch::stop() {
  is_stopped_ = true;
  front_.alerts().tell({});
}

void AlertWatch::use_settings() {
  auto settings = front_.settings();
  if (settings == settings_) return;
  settings_ = std::move(settings);
  board_.use(config::rules_in_use(settings_->alerts));
  webhook_.use(settings_->alerts.webhook);
}

void AlertWatch::take(const Figures& figures, TimePoint now) {
  if (is_stopped_) return;
  use_settings();
  health_.ready.add(now, figures.is_ready);
  auto readings = readings_.take(figures, now, settings_->alerts.window);
  std::ranges::move(
      sample_readings_.take(*watched_.sampler.samples(), watched_.growth, now, settings_->alerts.window),
      std::back_inserter(readings));
  tell(board_.evaluate(readings, {now, figures.time}), figures.time);
  if (now - repeated_at_ < kRepeat) return;
  repeated_at_ = now;
  webhook_.repeat(board_.active(), figures.time);
}

void AlertWatch::tell(const std::vector<alert::Change>& changes, double now) {
  for (const alert::Change& change : changes) log(change);
  webhook_.send(changes, now);
  front_.alerts().tell(board_.active());
}

AlertFigures AlertWatch::figures() const {
  return {.active = board_.active(),
          .rules = board_.rules(),
          .left_out = board_.left_out(),
          .webhook = webhook_.figures()};
}

bool AlertWatch::acknowledge(std::string_view id, std::string_view by) {
  const double now = unix_time();
  const auto change = board_.acknowledge(id, by, {Clock::now(), now});
  if (change) tell({*change}, now);
  return change.has_value();
}

bool AlertWatch::resolve(std::string_view id, std::string_view by) {
  const double now = unix_time();
  const auto change = board_.resolve(id, by, {Clock::now(), now});
  if (change) tell({*change}, now);
  return change.has_value();
}

}  // namespace forebay::http
