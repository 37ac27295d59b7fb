// Sorts and hash tables that do not fit into the memory they may take.

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "monitor/reading.hpp"
#include "sql/quoted_name.hpp"

namespace forebay::advise {

namespace {

namespace json = boost::json;

/// Within the minute that is looked at: less is not felt.
constexpr double kLeastBytes = 100e6;
/// What is sorted takes about twice as much memory as on disk, since rows have heads there
/// (https://www.postgresql.org/docs/15/runtime-config-resource.html, work_mem).
constexpr double kMemoryOfFile = 2;
/// Each sort of each session may take so much, so that more is not for all of a database.
constexpr double kMostMemory = 256 * kMegabyte;

struct Counted {
  double files = 0;
  double bytes = 0;
  double commits = 0;
  double seconds = 0;  ///< in which they came
};

const json::object* find_database(const json::object* told, std::string_view database) {
  for (const json::object* each : monitor::list_in(told, "databases")) {
    if (monitor::text_in(*each, "database") == database) return each;
  }
  return nullptr;
}

/// What came meanwhile; nothing when that is not known, or the server counts anew.
std::optional<Counted> counted(const Evidence& evidence, const monitor::Place& place,
                               std::string_view database) {
  const auto told = told_between(evidence, place, monitor::Topic::server);
  if (!told) return std::nullopt;
  const json::object* before = find_database(told->before, database);
  const json::object* after = find_database(told->after, database);
  const auto more = [&](std::string_view key) {
    return monitor::number_in(after, key).value_or(0) - monitor::number_in(before, key).value_or(0);
  };
  const Counted come{.files = more("temp_files"),
                     .bytes = more("temp_bytes"),
                     .commits = more("commits"),
                     .seconds = told->seconds};
  const bool is_known = before != nullptr && after != nullptr;
  return is_known && come.files >= 0 && come.bytes >= 0 && come.commits >= 0 ? std::optional(come)
                                                                             : std::nullopt;
}

Recommendation made_of(const monitor::Place& place, const std::string& database, const Counted& come,
                       TimePoint now) {
  const double each = come.bytes / come.files;
  const double an_hour = come.bytes / come.seconds * 3600;
  const auto memory = monitor::number_in(place.current(monitor::Topic::about, now), "work_mem_bytes");
  Recommendation made{
      .id = id_of(kTemporaryFiles.name, fmt::format("{} on {}", database, place.server)),
      .urgency = Urgency::soon,
      .title = fmt::format("Keep the sorts of {} in memory", database),
      .evidence = fmt::format("{} of {} on average were written {}, for what work_mem, {}, has no room for.",
                              some(come.files, "temporary file", "temporary files"), bytes(each),
                              period_of(come.seconds), memory ? megabytes(*memory) : "4MB by default"),
      .gain = {an_hour, Unit::bytes, fmt::format("up to {} less written and read an hour", bytes(an_hour))},
      .subject = {{"server", place.server}, {"database", database}},
      .area = "database"};
  const double wanted = next_power_of_two(each * kMemoryOfFile);
  if (wanted > kMostMemory || (memory && wanted <= *memory)) {
    made.advice =
        "For more memory for all of the database they are too large: look for the statements with most "
        "temporary blocks, and give those less to sort, an index, or a work_mem of their own (SET LOCAL).";
    return made;
  }
  made.advice =
      "Each sort and hash table of each session may take so much: mind how many there are at a time. It "
      "holds for sessions that begin afterwards; RECONNECT in the console begins them anew.";
  made.change = {Form::sql, fmt::format("ALTER DATABASE {} SET work_mem = '{}';", sql::quoted_name(database),
                                        megabytes(wanted))};
  return made;
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const Moment& now = evidence.now();
  if (now.samples == nullptr) return all;
  for (const monitor::Place& place : now.samples->places) {
    if (!place.is_of_server) continue;
    for (const json::object* each :
         monitor::list_in(place.current(monitor::Topic::server, now.at), "databases")) {
      const std::string database(monitor::text_in(*each, "database"));
      const auto come = counted(evidence, place, database);
      if (!come || come->seconds < kLeastSeconds || come->bytes < kLeastBytes || come->files < 1) continue;
      all.push_back(made_of(place, database, *come, now.at));
    }
  }
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  const monitor::Place* place = place_of_server(evidence.now(), about.subject.at("server"));
  if (place == nullptr) return std::nullopt;
  const auto come = counted(evidence, *place, about.subject.at("database"));
  if (!come) return std::nullopt;
  return Measure{.amount = come->bytes, .weight = come->seconds / 60, .traffic = come->commits};
}

}  // namespace

constinit const Kind kTemporaryFiles = {.name = "temporary-files",
                                        .find = find,
                                        .figure = "temporary files written a minute",
                                        .unit = Unit::bytes,
                                        .measure = measure};

}  // namespace forebay::advise
