#include "http/sample_readings.hpp"

#include "monitor/reading.hpp"
#include "observe/growth.hpp"

namespace forebay::http {

namespace {

using alert::Labels;
using alert::Reading;
using config::SignalId;
using monitor::Place;
using monitor::Topic;
using Object = boost::json::object;

constexpr double kHoursOfDay = 24;

/// Collects values; what is null has none.
class Collector {
 public:
  void add(SignalId id, Labels labels, std::optional<double> value) {
    if (value) all_.push_back({&config::signal(id), std::move(labels), *value});
  }
  std::vector<Reading> take() { return std::move(all_); }

 private:
  std::vector<Reading> all_;
};

void read_sessions(Collector& to, const Place& place, TimePoint now) {
  const Object* const told = place.current(Topic::activity, now);
  if (told == nullptr) return;
  const Labels labels{{"server", place.server}};
  const auto connections = monitor::number_in(told, "connections");
  const auto most = monitor::number_in(place.current(Topic::about, now), "max_connections");
  if (connections && most && *most > 0) to.add(SignalId::server_connections, labels, *connections / *most);
  to.add(SignalId::server_blocked, labels, monitor::number_in(told, "blocked"));
  // Null where there is nothing that takes time.
  const auto longest = [&](std::string_view key) { return monitor::number_in(told, key).value_or(0); };
  to.add(SignalId::server_longest_transaction, labels, longest("longest_transaction_seconds"));
  to.add(SignalId::server_idle_in_transaction, labels, longest("longest_idle_in_transaction_seconds"));
  to.add(SignalId::server_idle_in_transaction_count, labels, monitor::sessions_in(*told).idle_in_transaction);
}

void read_slots(Collector& to, const Place& place, TimePoint now) {
  for (const Object* slot : monitor::list_in(place.current(Topic::server, now), "slots")) {
    to.add(SignalId::server_slot_retained,
           {{"server", place.server}, {"slot", std::string(monitor::text_in(*slot, "slot"))}},
           monitor::number_in(slot, "retained_bytes"));
  }
}

/// The others have the same files.
void read_databases(Collector& to, const Place& place, const monitor::Growth& growth, TimePoint now) {
  const auto labels_of = [&place](const Object& database) {
    return Labels{{"server", place.server},
                  {"database", std::string(monitor::text_in(database, "database"))}};
  };
  for (const Object* database : monitor::list_in(place.current(Topic::server, now), "databases")) {
    if (const auto age = monitor::number_in(database, "xid_age")) {
      to.add(SignalId::server_xids_used, labels_of(*database),
             *age / static_cast<double>(config::kXidsUntilReadOnly));
    }
  }
  for (const Object* database : monitor::list_in(place.current(Topic::sizes, now), "databases")) {
    to.add(SignalId::server_database_size, labels_of(*database), monitor::number_in(database, "bytes"));
    const auto rate = growth.of(monitor::growth_name(place, monitor::text_in(*database, "database")));
    if (rate)
      to.add(SignalId::server_database_growth, labels_of(*database), rate->bytes_per_day / kHoursOfDay);
  }
}

void read_dead_rows(Collector& to, const Place& place, TimePoint now) {
  for (const monitor::DeadRows& dead : monitor::dead_rows_of(place, now)) {
    to.add(SignalId::server_dead_rows,
           {{"server", place.server}, {"database", place.database}, {"table", dead.table}}, dead.share);
  }
}

}  // namespace

SampleReadings::Counters SampleReadings::Counters::since(const Counters& earlier) const {
  using C = Counters;
  constexpr std::array kAll{&C::deadlocks, &C::blocks_hit, &C::blocks_read, &C::temporary_bytes};
  return observe::growth(*this, earlier, kAll);
}

SampleReadings::AllCounters SampleReadings::counters_of(const monitor::Samples& samples, TimePoint now) {
  AllCounters all;
  for (const Place& place : samples.places) {
    if (!place.is_of_server) continue;
    for (const Object* told : monitor::list_in(place.current(Topic::server, now), "databases")) {
      const auto number = [told](std::string_view key) { return monitor::number_in(told, key).value_or(0); };
      all[{place.server, std::string(monitor::text_in(*told, "database"))}] = {
          .deadlocks = number("deadlocks"),
          .blocks_hit = number("blocks_hit"),
          .blocks_read = number("blocks_read"),
          .temporary_bytes = number("temp_bytes")};
    }
  }
  return all;
}

/// What was known first within the window; null: nothing was, so nothing can be said of it.
const SampleReadings::Counters* SampleReadings::earliest(const AllCounters::key_type& key) const {
  for (const Past& past : pasts_) {
    if (const auto at = past.counters.find(key); at != past.counters.end()) return &at->second;
  }
  return nullptr;
}

std::vector<Reading> SampleReadings::take(const monitor::Samples& samples, const monitor::Growth& growth,
                                          TimePoint now, Duration window) {
  Collector to;
  for (const Place& place : samples.places) {
    if (place.is_of_server) read_sessions(to, place, now);
    if (place.is_of_server) read_slots(to, place, now);
    if (place.is_of_server && place.is_primary) read_databases(to, place, growth, now);
    if (place.is_of_database) read_dead_rows(to, place, now);
  }
  const AllCounters counters = counters_of(samples, now);
  // What is known for the first time has to have a beginning at once: later it would begin with what has
  // come.
  const bool is_any_new =
      std::ranges::any_of(counters, [this](const auto& each) { return earliest(each.first) == nullptr; });
  if (is_any_new || pasts_.empty() || now - pasts_.back().at >= window / kSteps)
    pasts_.push_back({now, counters});
  while (pasts_.size() > 1 && now - pasts_[1].at >= window) pasts_.pop_front();
  for (const auto& [key, latest] : counters) {
    const Counters* const earlier = earliest(key);
    if (earlier == nullptr) continue;
    const Counters come = latest.since(*earlier);
    const Labels labels{{"server", key.first}, {"database", key.second}};
    to.add(SignalId::server_deadlocks, labels, come.deadlocks);
    to.add(SignalId::server_temporary_bytes, labels, come.temporary_bytes);
    const double blocks = come.blocks_hit + come.blocks_read;
    if (blocks >= static_cast<double>(config::kLeastBlocks))
      to.add(SignalId::server_hit_ratio, labels, come.blocks_hit / blocks);
  }
  return to.take();
}

}  // namespace forebay::http
