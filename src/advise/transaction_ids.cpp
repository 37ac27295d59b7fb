// Databases whose oldest transaction id gets too old.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "monitor/reading.hpp"

namespace forebay::advise {

namespace {

namespace json = boost::json;

/// Autovacuum freezes from autovacuum_freeze_max_age on: at twice that age something keeps it from it.
constexpr double kTimes = 2;
/// Ids that are left: from here on it is urgent. PostgreSQL itself warns at 40 million.
constexpr std::int64_t kFewLeft = 100'000'000;

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const Moment& now = evidence.now();
  if (now.samples == nullptr) return all;
  for (const monitor::Place& place : now.samples->places) {
    if (!place.is_of_server || !place.is_primary) continue;
    const json::object* told = place.current(monitor::Topic::server, now.at);
    const auto most = monitor::number_in(told, "xid_freeze_max_age");
    if (!most) continue;
    for (const json::object* database : monitor::list_in(told, "databases")) {
      const double age = monitor::number_in(database, "xid_age").value_or(0);
      const std::int64_t left = monitor::xids_left(static_cast<std::int64_t>(age));
      if (age < kTimes * *most && left >= kFewLeft) continue;
      const std::string name(monitor::text_in(*database, "database"));
      all.push_back(
          {.id = id_of(kTransactionIds.name, fmt::format("{} on {}", name, place.server)),
           .urgency = left < kFewLeft ? Urgency::now : Urgency::soon,
           .title = fmt::format("Freeze the old rows of {}", name),
           .evidence = fmt::format("Its oldest transaction id is {} old; autovacuum should have begun at {}. "
                                   "The server takes no more writes after another {}.",
                                   count(age), count(*most), count(static_cast<double>(left))),
           .advice = "In that database, as a superuser; and end what keeps old rows: long or prepared "
                     "transactions and slots that nobody reads.",
           .change = {Form::sql, "VACUUM (FREEZE);"},
           .gain = {age, Unit::ids, fmt::format("up to {} transaction ids more", count(age))},
           .subject = {{"server", place.server}, {"database", name}},
           .area = "database"});
    }
  }
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  const Moment& now = evidence.now();
  const monitor::Place* place = place_of_server(now, about.subject.at("server"));
  if (place == nullptr) return std::nullopt;
  const json::object* told = place->current(monitor::Topic::server, now.at);
  for (const json::object* database : monitor::list_in(told, "databases")) {
    if (monitor::text_in(*database, "database") != about.subject.at("database")) continue;
    const auto age = monitor::number_in(database, "xid_age");
    if (age) return Measure{.amount = *age, .weight = 1};
  }
  return std::nullopt;
}

}  // namespace

constinit const Kind kTransactionIds = {.name = "transaction-ids",
                                        .find = find,
                                        .figure = "age of the oldest transaction id",
                                        .unit = Unit::ids,
                                        .measure = measure};

}  // namespace forebay::advise
