#include "monitor/reading.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "config/signal.hpp"
#include "observe/growth.hpp"

namespace forebay::monitor {

namespace {

namespace json = boost::json;

/// A smaller table is read through in no time, dead rows or not.
constexpr double kLeastDeadRows = 10'000;
constexpr std::size_t kMostDeadRows = 10;

}  // namespace

std::optional<double> number_in(const json::object* told, std::string_view key) {
  const json::value* const value = told == nullptr ? nullptr : told->if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::string_view text_in(const json::object& told, std::string_view key) {
  const json::value* const value = told.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

bool flag_in(const json::object& told, std::string_view key) {
  const json::value* const value = told.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object* object_in(const json::object& told, std::string_view key) {
  const json::value* const value = told.if_contains(key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

std::vector<const json::object*> list_in(const json::object* told, std::string_view key) {
  std::vector<const json::object*> list;
  const json::value* const value = told == nullptr ? nullptr : told->if_contains(key);
  if (value == nullptr || !value->is_array()) return list;
  for (const json::value& each : value->get_array()) {
    if (each.is_object()) list.push_back(&each.get_object());
  }
  return list;
}

std::int64_t xids_left(std::int64_t age) {
  return std::max<std::int64_t>(config::kXidsUntilReadOnly - age, 0);
}

std::vector<DeadRows> dead_rows_of(const Place& place, TimePoint now) {
  std::vector<DeadRows> all;
  for (const json::object* table : list_in(place.current(Topic::tables, now), "tables")) {
    const auto rows = number_in(table, "dead_rows");
    const auto share = number_in(table, "dead_share");
    if (!rows || !share || *rows < kLeastDeadRows) continue;
    all.push_back({std::string(text_in(*table, "schema")) + "." + std::string(text_in(*table, "table")),
                   *rows, *share});
  }
  std::ranges::sort(all, std::ranges::greater(), &DeadRows::rows);
  if (all.size() > kMostDeadRows) all.resize(kMostDeadRows);
  return all;
}

std::string growth_name(const Place& place, std::string_view database) {
  return place.server + "/" + std::string(database);
}

std::string growth_name(const Place& place, const json::object& table) {
  return growth_name(place, place.database) + "/" + std::string(text_in(table, "schema")) + "." +
         std::string(text_in(table, "table"));
}

SessionCounts sessions_in(const json::object& activity) {
  SessionCounts counts;
  for (const json::object* state : list_in(&activity, "by_state")) {
    const double count = number_in(state, "count").value_or(0);
    const std::string_view name = text_in(*state, "state");
    if (name == "active") counts.active += count;
    if (name.starts_with("idle in transaction")) counts.idle_in_transaction += count;
  }
  return counts;
}

namespace {

/// Of one database, since its statistics began.
struct Counters {
  double deadlocks = 0;
  double blocks_hit = 0;
  double blocks_read = 0;
};

Counters counters_in(const json::object& database) {
  const auto number = [&](std::string_view key) { return number_in(&database, key).value_or(0); };
  return {.deadlocks = number("deadlocks"),
          .blocks_hit = number("blocks_hit"),
          .blocks_read = number("blocks_read")};
}

}  // namespace

void note_activity(History& history, const Place& place, TimePoint now) {
  const json::object* const told = place.current(Topic::activity, now);
  if (told == nullptr || !place.is_of_server) return;
  const SessionCounts counts = sessions_in(*told);
  const auto note = [&](std::string_view name, std::optional<double> value) {
    history.add(std::string(name) + "/" + place.server, now, value.value_or(0));
  };
  note("server_sessions", number_in(told, "count"));
  note("server_active", counts.active);
  note("server_idle_in_transaction", counts.idle_in_transaction);
  note("server_blocked", number_in(told, "blocked"));
  note("server_longest_transaction_seconds", number_in(told, "longest_transaction_seconds"));
}

void note_counters(History& history, const Place& before, const Place& place) {
  const auto& earlier = before.of(Topic::server).latest;
  const auto& latest = place.of(Topic::server).latest;
  if (!place.is_of_server || earlier == nullptr || latest == nullptr || latest->at <= earlier->at) return;
  std::map<std::string_view, Counters> known;
  for (const json::object* database : list_in(&earlier->told, "databases"))
    known.emplace(text_in(*database, "database"), counters_in(*database));
  Counters come;
  for (const json::object* database : list_in(&latest->told, "databases")) {
    const auto then = known.find(text_in(*database, "database"));
    if (then == known.end()) continue;  // what it did before it was told of is not of this time
    constexpr std::array kAll{&Counters::deadlocks, &Counters::blocks_hit, &Counters::blocks_read};
    const Counters grown = observe::growth(counters_in(*database), then->second, kAll);
    for (const auto counter : kAll) come.*counter += grown.*counter;
  }
  history.add_rate("server_deadlocks/" + place.server, earlier->at, latest->at,
                   come.deadlocks / seconds_between(earlier->at, latest->at));
  const double blocks = come.blocks_hit + come.blocks_read;
  if (blocks > 0)
    history.add("server_hit_ratio/" + place.server, latest->at, come.blocks_hit / blocks, blocks);
}

void note_sizes(History& history, Growth& growth, const Place& place, TimePoint now) {
  if (!place.is_primary) return;
  for (const json::object* database : list_in(place.current(Topic::sizes, now), "databases")) {
    const auto bytes = number_in(database, "bytes");
    if (!bytes) continue;
    const std::string_view name = text_in(*database, "database");
    growth.note(growth_name(place, name), now, static_cast<std::int64_t>(*bytes));
    if (name == place.database) history.add("database_bytes/" + std::string(name), now, *bytes);
  }
  double oldest = 0;
  for (const json::object* database : list_in(place.current(Topic::server, now), "databases"))
    oldest = std::max(oldest, number_in(database, "xid_age").value_or(0));
  if (oldest > 0) history.add("xid_age/" + place.server, now, oldest);
  const json::object* const tables = place.current(Topic::tables, now);
  if (const auto bytes = number_in(tables, "bytes"))
    history.add("tables_bytes/" + place.database, now, *bytes);
  for (const json::object* table : list_in(tables, "tables")) {
    if (const auto bytes = number_in(table, "total_bytes"))
      growth.note(growth_name(place, *table), now, static_cast<std::int64_t>(*bytes));
  }
}

}  // namespace forebay::monitor
