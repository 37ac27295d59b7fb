#include "http/sample_metrics.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "monitor/reading.hpp"

namespace forebay::http {

namespace {

using monitor::Place;
using monitor::Topic;
using observe::MetricSink;
using Kind = MetricSink::Kind;
using Object = boost::json::object;

class Writer {
 public:
  Writer(MetricSink& page, const monitor::Samples& samples, TimePoint now)
      : page_(page), samples_(samples), now_(now) {}

  void family(std::string_view name, Kind kind, std::string_view help, std::string_view unit = {}) {
    page_.family(name, kind, help, unit);
  }

  /// Of each server that answers.
  void each_server(const std::function<void(const Place&)>& write) {
    for (const Place& place : samples_.places) {
      if (place.is_of_server && place.is_answering) write(place);
    }
  }

  /// One number of a topic, by server.
  void of_server(Topic topic, std::string_view key) {
    each_server([&](const Place& place) { sample({{"server", place.server}}, told(place, topic), key); });
  }

  /// A time, which is null where there is nothing that takes it.
  void longest(Topic topic, std::string_view key) {
    each_server([&](const Place& place) {
      if (const Object* answer = told(place, topic))
        page_.sample({{"server", place.server}}, monitor::number_in(answer, key).value_or(0));
    });
  }

  /// One number of every object in a list, by server and by what its `label` is.
  void of_list(Topic topic, std::string_view list, std::string_view label, std::string_view key,
               bool is_of_primary = false) {
    each_server([&](const Place& place) {
      if (is_of_primary && !place.is_primary) return;
      std::map<std::string_view, double> most;  // standbys may have one name in common
      for (const Object* one : monitor::list_in(told(place, topic), list)) {
        const auto value = monitor::number_in(one, key);
        if (!value) continue;
        const auto at = most.try_emplace(monitor::text_in(*one, label), *value).first;
        at->second = std::max(at->second, *value);
      }
      for (const auto& [name, value] : most) page_.sample({{"server", place.server}, {label, name}}, value);
    });
  }

  /// One number of every object in a list, by server and database, on the primary.
  void of_database(Topic topic, std::string_view key) {
    for (const Place& place : samples_.places) {
      if (place.is_of_database && place.is_answering)
        sample({{"server", place.server}, {"database", place.database}}, told(place, topic), key);
    }
  }

  /// Of tables of all sampled databases.
  void dead_rows() {
    for (const Place& place : samples_.places) {
      if (!place.is_of_database) continue;
      for (const monitor::DeadRows& dead : monitor::dead_rows_of(place, now_)) {
        page_.sample({{"server", place.server}, {"database", place.database}, {"table", dead.table}},
                     dead.share);
      }
    }
  }

  const Object* told(const Place& place, Topic topic) const { return place.current(topic, now_); }

  /// What is null is left out.
  void sample(MetricSink::Labels labels, const Object* told, std::string_view key) {
    if (const auto value = monitor::number_in(told, key)) page_.sample(labels, *value);
  }

 private:
  MetricSink& page_;
  const monitor::Samples& samples_;
  const TimePoint now_;
};

void write_sessions(Writer& writer) {
  writer.family("forebay_postgres_sessions", Kind::gauge, "Sessions of a server by their state.");
  writer.of_list(Topic::activity, "by_state", "state", "count");
  writer.family("forebay_postgres_connections", Kind::gauge,
                "Connections of a server that count towards its max_connections.");
  writer.of_server(Topic::activity, "connections");
  writer.family("forebay_postgres_connections_limit", Kind::gauge, "A server's max_connections.");
  writer.of_server(Topic::about, "max_connections");
  writer.family("forebay_postgres_blocked_sessions", Kind::gauge,
                "Sessions that wait for a lock of another.");
  writer.of_server(Topic::activity, "blocked");
  writer.family("forebay_postgres_longest_transaction_seconds", Kind::gauge,
                "How long the oldest transaction has run; 0: none runs.", "seconds");
  writer.longest(Topic::activity, "longest_transaction_seconds");
  writer.family("forebay_postgres_longest_idle_in_transaction_seconds", Kind::gauge,
                "How long a session has been idle in a transaction; 0: none is.", "seconds");
  writer.longest(Topic::activity, "longest_idle_in_transaction_seconds");
  writer.family("forebay_postgres_prepared_transactions", Kind::gauge,
                "Transactions prepared for two-phase commit.");
  writer.of_server(Topic::activity, "prepared_transactions");
}

void write_databases(Writer& writer) {
  struct Family {
    std::string_view name;
    Kind kind;
    std::string_view help;
    std::string_view key;
    std::string_view unit = {};
  };
  static constexpr Family kFamilies[] = {
      {"forebay_postgres_commits", Kind::counter, "Transactions that were committed.", "commits"},
      {"forebay_postgres_rollbacks", Kind::counter, "Transactions that were rolled back.", "rollbacks"},
      {"forebay_postgres_blocks_hit", Kind::counter, "Blocks that were in the server's buffers.",
       "blocks_hit"},
      {"forebay_postgres_blocks_read", Kind::counter, "Blocks that were not.", "blocks_read"},
      {"forebay_postgres_temporary_bytes", Kind::counter, "Bytes written to temporary files.", "temp_bytes",
       "bytes"},
      {"forebay_postgres_deadlocks", Kind::counter, "Deadlocks that the server has broken.", "deadlocks"},
  };
  for (const Family& family : kFamilies) {
    writer.family(family.name, family.kind, family.help, family.unit);
    writer.of_list(Topic::server, "databases", "database", family.key);
  }
  // The others have the same files.
  writer.family("forebay_postgres_xid_age", Kind::gauge,
                "Age of the oldest transaction id, on the primary; writes end at 2144483647.");
  writer.of_list(Topic::server, "databases", "database", "xid_age", true);
  writer.family("forebay_postgres_database_size_bytes", Kind::gauge,
                "What a database takes on the primary's disk.", "bytes");
  writer.of_list(Topic::sizes, "databases", "database", "bytes", true);
  writer.family("forebay_postgres_table_dead_share", Kind::gauge,
                "Dead rows of a table, of all its rows; of tables with ten thousand dead rows or more.");
  writer.dead_rows();
  writer.family("forebay_postgres_tables", Kind::gauge, "Tables of a sampled database.");
  writer.of_database(Topic::tables, "count");
  writer.family("forebay_postgres_unused_index_bytes", Kind::gauge,
                "Indexes that were never used, on the primary.", "bytes");
  writer.of_database(Topic::indexes, "unused_bytes");
}

void write_log(Writer& writer) {
  writer.family("forebay_postgres_checkpoints", Kind::counter, "Checkpoints by what began them.");
  writer.each_server([&](const Place& place) {
    const Object* const told = writer.told(place, Topic::server);
    const Object* const checkpoints = told == nullptr ? nullptr : monitor::object_in(*told, "checkpoints");
    if (checkpoints == nullptr) return;
    for (const std::string_view cause : {"timed", "requested"})
      writer.sample({{"server", place.server}, {"cause", cause}}, checkpoints, cause);
  });
  writer.family("forebay_postgres_standby_lag_bytes", Kind::gauge, "Log that a standby has not replayed.",
                "bytes");
  writer.of_list(Topic::server, "standbys", "standby", "replay_lag_bytes");
  writer.family("forebay_postgres_slot_retained_bytes", Kind::gauge,
                "Log that is kept for a replication slot.", "bytes");
  writer.of_list(Topic::server, "slots", "slot", "retained_bytes");
}

}  // namespace

void write_history_writing(MetricSink& page, const monitor::HistoryWriting& writing) {
  page.family("forebay_history_rows", Kind::counter,
              "Rows of figures over time for the database: written, or dropped because too many waited.");
  page.sample({{"result", "written"}}, writing.written);
  page.sample({{"result", "dropped"}}, writing.dropped);
  page.family("forebay_history_waiting_rows", Kind::gauge, "Rows that wait to be written.");
  page.sample({}, writing.waiting);
  page.family("forebay_history_troubled", Kind::gauge,
              "Whether figures over time ought to be written into the database and are not.");
  page.sample({}, std::uint64_t{writing.problem.empty() ? 0U : 1U});
}

void write_samples(MetricSink& page, const monitor::Samples& samples) {
  page.family("forebay_postgres_answering", Kind::gauge,
              "Whether a server answers what it is asked about itself.");
  for (const Place& place : samples.places) {
    if (place.is_of_server)
      page.sample({{"server", place.server}}, std::uint64_t{place.is_answering ? 1U : 0U});
  }
  page.family("forebay_postgres_sampling_seconds", Kind::counter, "Time that the answers took.", "seconds");
  for (const Place& place : samples.places) {
    page.sample({{"server", place.server}, {"database", place.database}},
                std::chrono::duration<double>(place.spent).count());
  }
  Writer writer(page, samples, Clock::now());
  write_sessions(writer);
  write_databases(writer);
  write_log(writer);
}

}  // namespace forebay::http
