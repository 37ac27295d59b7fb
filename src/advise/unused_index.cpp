// Large indexes that no scan has used for long.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "monitor/reading.hpp"
#include "sql/quoted_name.hpp"

namespace forebay::advise {

namespace {

namespace json = boost::json;

/// What is smaller is hardly worth a change.
constexpr double kLeastBytes = 16e6;
/// Within which what is done once a week has been done.
constexpr double kLongSeconds = 8 * 86400;
constexpr std::size_t kMost = 5;

std::string object_of(const monitor::Place& place, const json::object& index) {
  return fmt::format("{}.{}@{}", monitor::text_in(index, "schema"), monitor::text_in(index, "index"),
                     place.database);
}

/// For how long the server has counted scans, at least: since they were reset, or since it was started.
double counted_seconds(const Moment& now, const monitor::Place& place) {
  const auto since = monitor::number_in(place.current(monitor::Topic::indexes, now.at), "counted_since");
  if (since) return now.time - *since;
  return monitor::number_in(place.current(monitor::Topic::about, now.at), "started_seconds_ago").value_or(0);
}

/// Each server counts its own scans, and the indexes of the primary alone are asked for: whether or not
/// Forebay asks its copies, they may use what it does not. What streams and replays nothing answers
/// nobody: a backup that is being taken, an archive. Of one whose state we may not see (pg_read_all_stats)
/// that is not known (https://www.postgresql.org/docs/15/monitoring-stats.html, pg_stat_replication). Where
/// the last answer is old, it still counts: the copy may be there.
bool has_replicas(const Moment& now) {
  if (std::ranges::count_if(now.servers, [](const auto& facts) { return facts.is_watched; }) > 1) return true;
  return std::ranges::any_of(now.samples->places, [](const monitor::Place& place) {
    const auto standbys = monitor::list_in(place.told(monitor::Topic::server), "standbys");
    return std::ranges::any_of(standbys, [](const json::object* standby) {
      const bool replays = monitor::number_in(standby, "replay_lag_bytes").has_value();
      const bool is_hidden = monitor::text_in(*standby, "state").empty();
      return !monitor::flag_in(*standby, "logical") && (replays || is_hidden);
    });
  });
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const Moment& now = evidence.now();
  if (now.samples == nullptr || has_replicas(now)) return all;
  for (const monitor::Place& place : now.samples->places) {
    if (!place.is_of_database) continue;
    const double counted = counted_seconds(now, place);
    if (counted < kLongSeconds) continue;
    for (const json::object* index :
         monitor::list_in(place.current(monitor::Topic::indexes, now.at), "indexes")) {
      const double size = monitor::number_in(index, "bytes").value_or(0);
      if (!monitor::flag_in(*index, "unused") || size < kLeastBytes) continue;
      const std::string name = fmt::format("{}.{}", sql::quoted_name(monitor::text_in(*index, "schema")),
                                           sql::quoted_name(monitor::text_in(*index, "index")));
      all.push_back(
          {.id = id_of(kUnusedIndex.name, object_of(place, *index)),
           .urgency = Urgency::consider,
           .title = fmt::format("Drop the index {} of {}", name, place.database),
           .evidence = fmt::format("No scan has used it in at least {}; it takes {}, and each write to {} "
                                   "has to keep it.",
                                   duration(kLongSeconds), bytes(size), monitor::text_in(*index, "table")),
           .advice = "It keeps nothing unique. What is only done once a month or a year may need it.",
           .change = {Form::sql, fmt::format("DROP INDEX CONCURRENTLY {};", name)},
           .gain = {size, Unit::bytes, bytes(size) + " less, and cheaper writes"},
           .subject = {{"server", place.server}, {"database", place.database}, {"index", name}},
           .area = "database"});
    }
  }
  std::ranges::stable_sort(all, std::greater(), [](const Recommendation& each) { return each.gain.value; });
  if (all.size() > kMost) all.resize(kMost);
  return all;
}

/// Those that are not used come first in the answer: one that is not there has gone, unless there are more.
std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  const Moment& now = evidence.now();
  const monitor::Place* place = place_of_database(now, about.subject.at("database"));
  const json::object* told = place == nullptr ? nullptr : place->current(monitor::Topic::indexes, now.at);
  if (told == nullptr) return std::nullopt;
  const auto indexes = monitor::list_in(told, "indexes");
  for (const json::object* index : indexes) {
    if (about.id == id_of(kUnusedIndex.name, object_of(*place, *index)))
      return Measure{
          .amount = monitor::number_in(index, "bytes").value_or(0), .weight = 1, .setting = "there"};
  }
  const auto all = monitor::number_in(told, "count").value_or(0);
  if (static_cast<double>(indexes.size()) < all) return std::nullopt;
  return Measure{.amount = 0, .weight = 1, .setting = "gone"};
}

}  // namespace

// An index may be new, and a server that was killed counts anew without saying so: both are seen by looking
// for as long.
constinit const Kind kUnusedIndex = {.name = "unused-index",
                                     .find = find,
                                     .settles = std::chrono::seconds(static_cast<int>(kLongSeconds)),
                                     .figure = "size of the index",
                                     .unit = Unit::bytes,
                                     .measure = measure};

}  // namespace forebay::advise
