#include <chrono>

#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

/// What it is of: `server=db:5432 database=shop`.
std::string object_of(const alert::Alert& alert) {
  std::string text;
  for (const auto& [label, value] : alert.labels) {
    if (!text.empty()) text += ' ';
    text += label;
    text += '=';
    text += value;
  }
  return text;
}

/// Alerts have their times for people, in seconds since 1970.
std::string since(const alert::Alert& alert, TimePoint now) {
  using std::chrono::duration;
  const auto wall = duration<double>(std::chrono::system_clock::now().time_since_epoch());
  const auto age = wall - duration<double>(alert.started);
  return timestamp(now - std::chrono::duration_cast<TimePoint::duration>(age));
}

}  // namespace

void alerts(const ShowRequestPtr& request, ShowDone done) {
  RowWriter rows(request->columns, request->formats);
  const auto list = request->front.alerts().list();
  for (const alert::Alert& alert : *list) {
    const config::Signal& signal = *alert.signal;
    rows.text(alert.rule).text(object_of(alert)).text(config::name_of(alert.level));
    rows.text(config::value_text(signal.unit, alert.value));
    if (signal.unit == config::SignalUnit::flag) {
      rows.null();
    } else {
      rows.text(config::value_text(signal.unit, alert.threshold));
    }
    rows.text(since(alert, request->now));
    if (alert.acknowledged) {
      rows.text(alert.acknowledged_by);
    } else {
      rows.null();
    }
    rows.text(alert.description).text(alert.id);
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
