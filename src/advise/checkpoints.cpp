// Checkpoints that come because the log has grown, not because it is time.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "monitor/reading.hpp"

namespace forebay::advise {

namespace {

namespace json = boost::json;

/// Within the minute that is looked at. PostgreSQL itself warns when two are 30 s apart (checkpoint_warning).
constexpr double kMany = 2;
/// A checkpoint begins when so much of max_wal_size has been written, or a little more, by
/// checkpoint_completion_target (https://www.postgresql.org/docs/15/wal-configuration.html).
constexpr double kBeginsAt = 0.5;
/// Where less than half of that has, somebody asked for it: CHECKPOINT, a base backup. It is counted in
/// segments, of which the last need not be full.
constexpr double kLeastPart = 0.5;
/// Of a step: what the log needs then is better known.
constexpr double kMostTimes = 4;
/// Nobody is told to give the log more room than that.
constexpr double kMostLog = 65'536 * kMegabyte;

struct Counted {
  double timed = 0;
  double requested = 0;
  double written = 0;  ///< bytes of log
  double seconds = 0;  ///< in which they came
};

/// What came meanwhile; nothing when that is not known, or the server counts anew.
std::optional<Counted> counted(const Evidence& evidence, const monitor::Place& place) {
  const auto told = told_between(evidence, place, monitor::Topic::server);
  if (!told) return std::nullopt;
  const auto more = [&told](std::string_view key) -> std::optional<double> {
    const auto before = monitor::number_in(monitor::object_in(*told->before, "checkpoints"), key);
    const auto after = monitor::number_in(monitor::object_in(*told->after, "checkpoints"), key);
    return before && after && *after >= *before ? std::optional(*after - *before) : std::nullopt;
  };
  const auto timed = more("timed");
  const auto requested = more("requested");
  const auto from = monitor::number_in(told->before, "log_bytes");
  const auto to = monitor::number_in(told->after, "log_bytes");
  if (!timed || !requested || !from || !to) return std::nullopt;
  return Counted{.timed = *timed, .requested = *requested, .written = *to - *from, .seconds = told->seconds};
}

/// Of those between two of which enough has been written.
bool are_of_the_log(const Counted& come, double log) {
  return come.requested >= kMany && come.written >= (come.requested - 1) * log * kBeginsAt * kLeastPart;
}

/// What lets the server come as far as checkpoint_timeout at the pace of this period.
double wanted_log(double log, const Counted& come, double every) {
  const double wanted = come.written / come.seconds * every / kBeginsAt;
  return std::min({next_power_of_two(wanted), kMostTimes * log, kMostLog});
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const Moment& now = evidence.now();
  if (now.samples == nullptr) return all;
  for (const monitor::Place& place : now.samples->places) {
    if (!place.is_of_server || !place.is_primary) continue;
    const json::object* about = place.current(monitor::Topic::about, now.at);
    const auto log = monitor::number_in(about, "max_wal_bytes");
    const auto every = monitor::number_in(about, "checkpoint_seconds");
    const auto come = counted(evidence, place);
    if (!log || !every || !come || come->seconds < kLeastSeconds || !are_of_the_log(*come, *log)) continue;
    const double wanted = wanted_log(*log, *come, *every);
    if (wanted <= *log) continue;
    all.push_back(
        {.id = id_of(kCheckpoints.name, place.server),
         .urgency = Urgency::soon,
         .title = fmt::format("Let the log of {} grow further between checkpoints", place.server),
         .evidence =
             fmt::format("{} began {}, in which {} of log were written: with max_wal_size at {} it is used "
                         "up before it is time, which comes each {} (checkpoint_timeout).",
                         some(come->requested, "checkpoint", "checkpoints"), period_of(come->seconds),
                         megabytes(come->written), megabytes(*log), duration(*every)),
         .advice =
             "After a checkpoint the first change of each page puts the whole page into the log, so that "
             "frequent ones make more of it. The log takes as much more of the disk, and recovery after a "
             "crash takes longer.",
         .change = {Form::sql, fmt::format("ALTER SYSTEM SET max_wal_size = '{}';\nSELECT pg_reload_conf();",
                                           megabytes(wanted))},
         .gain = {.text = "fewer checkpoints, and less log"},
         .subject = {{"server", place.server}},
         .area = "database"});
  }
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  const monitor::Place* place = place_of_server(evidence.now(), about.subject.at("server"));
  if (place == nullptr) return std::nullopt;
  const auto come = counted(evidence, *place);
  if (!come) return std::nullopt;
  const auto log =
      monitor::number_in(place->current(monitor::Topic::about, evidence.now().at), "max_wal_bytes");
  return Measure{.amount = come->requested,
                 .weight = come->requested + come->timed,
                 .setting = log ? std::optional(megabytes(*log)) : std::nullopt};
}

}  // namespace

constinit const Kind kCheckpoints = {.name = "checkpoints",
                                     .find = find,
                                     .figure = "checkpoints before it is time, of all",
                                     .unit = Unit::share,
                                     .measure = measure};

}  // namespace forebay::advise
