// Tables in which dead rows gather faster than autovacuum removes them.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "monitor/reading.hpp"
#include "sql/quoted_name.hpp"

namespace forebay::advise {

namespace {

namespace json = boost::json;

/// Autovacuum begins at a fifth of the living rows, which is a sixth of all, by default
/// (https://www.postgresql.org/docs/15/routine-vacuuming.html, 25.1.6). So much more says that it does not
/// come, or does not keep up.
constexpr double kShare = 0.4;
/// Of a smaller table nobody feels it.
constexpr double kLeastBytes = 16e6;
constexpr double kLeastRows = 10'000;
constexpr std::size_t kMost = 5;

std::string object_of(const monitor::Place& place, const json::object& table) {
  return fmt::format("{}.{}@{}", monitor::text_in(table, "schema"), monitor::text_in(table, "table"),
                     place.database);
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const Moment& now = evidence.now();
  if (now.samples == nullptr) return all;
  for (const monitor::Place& place : now.samples->places) {
    if (!place.is_of_database) continue;
    for (const json::object* table :
         monitor::list_in(place.current(monitor::Topic::tables, now.at), "tables")) {
      const double dead = monitor::number_in(table, "dead_rows").value_or(0);
      const double share = monitor::number_in(table, "dead_share").value_or(0);
      const double size = monitor::number_in(table, "table_bytes").value_or(0);
      if (dead < kLeastRows || share < kShare || size < kLeastBytes) continue;
      const auto vacuumed = monitor::number_in(table, "last_vacuum");
      const std::string last = vacuumed ? fmt::format("last vacuumed {} ago", duration(now.time - *vacuumed))
                                        : "never vacuumed since the server counts";
      const std::string name = fmt::format("{}.{}", sql::quoted_name(monitor::text_in(*table, "schema")),
                                           sql::quoted_name(monitor::text_in(*table, "table")));
      all.push_back(
          {.id = id_of(kDeadRows.name, object_of(place, *table)),
           .urgency = Urgency::soon,
           .title = fmt::format("Vacuum {} of {}", name, place.database),
           .evidence = fmt::format("The server estimates {} dead rows, {} of all, in {}; {}.", count(dead),
                                   percent(share), bytes(size), last),
           .advice = "If they come back: see what keeps autovacuum away, a long transaction or a slot most "
                     "often, or let it begin earlier for this table.",
           .change = {Form::sql, fmt::format("VACUUM (ANALYZE) {};", name)},
           .gain = {size * share, Unit::bytes,
                    fmt::format("room for new rows: about {}, when rows are alike", bytes(size * share))},
           .subject = {{"server", place.server}, {"database", place.database}, {"table", name}},
           .area = "database"});
    }
  }
  std::ranges::stable_sort(all, std::greater(), [](const Recommendation& each) { return each.gain.value; });
  if (all.size() > kMost) all.resize(kMost);
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  const Moment& now = evidence.now();
  if (now.samples == nullptr) return std::nullopt;
  for (const monitor::Place& place : now.samples->places) {
    if (!place.is_of_database) continue;
    for (const json::object* table :
         monitor::list_in(place.current(monitor::Topic::tables, now.at), "tables")) {
      if (about.id != id_of(kDeadRows.name, object_of(place, *table))) continue;
      const auto dead = monitor::number_in(table, "dead_rows");
      if (!dead) return std::nullopt;
      return Measure{.amount = *dead, .weight = 1};
    }
  }
  return std::nullopt;
}

}  // namespace

constinit const Kind kDeadRows = {
    .name = "dead-rows", .find = find, .figure = "dead rows", .unit = Unit::rows, .measure = measure};

}  // namespace forebay::advise
