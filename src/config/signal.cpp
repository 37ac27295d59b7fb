#include "config/signal.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "config/values.hpp"

namespace forebay::config {

namespace {

using Labels = std::vector<std::string_view>;
using Unit = SignalUnit;
using Id = SignalId;

constexpr std::string_view kPoolAdvice =
    "Look at Pools for who holds the backends: long transactions first. If all of them work, raise pool.size "
    "as far "
    "as the server's max_connections allows.";
constexpr std::string_view kSlowAdvice =
    "Look at Statements for what takes most time, and at what the server does: missing indexes, locks, disk.";
constexpr std::string_view kMachineAdvice =
    "See what else runs on this machine; move it, or give the machine more.";
constexpr std::string_view kIdleAdvice =
    "The page Database tells whose session it is. Set idle_in_transaction_session_timeout, and mend the "
    "application: such a session holds locks, and what VACUUM could remove.";

constexpr std::string_view kHour = "/h";
constexpr std::uint64_t kMostBytes = 1ULL << 50;

std::vector<Signal> make_signals() {
  const Labels pool{"database", "user", "server", "use"};
  const Labels database{"database"};
  const Labels cache{"database", "server"};
  const Labels server{"server"};
  const Labels on_server{"server", "database"};
  return {
      {Id::pool_use, "pool.use", Unit::share, false, pool, "Pool in use",
       "Backends of a pool that nobody else can have now, of those that it may have.", kPoolAdvice},
      {Id::pool_longest_wait, "pool.longest_wait", Unit::seconds, false, pool, "Longest wait for a backend",
       "How long the first in the queue for a backend has waited; nothing while its database is paused.",
       kPoolAdvice},
      {Id::pool_wait_p95, "pool.wait_p95", Unit::seconds, false, database,
       "Wait for a backend, 95th percentile",
       "Of the waits for a backend within alerts.window, 95 of 100 were not longer.", kPoolAdvice},
      {Id::clients_use,
       "clients.use",
       Unit::share,
       false,
       {},
       "Clients of those allowed",
       "Connected clients, of limits.max_clients.",
       "Find out which application connects so often; raise limits.max_clients if they are all wanted."},
      {Id::query_mean, "query.mean", Unit::seconds, false, database, "Query, mean",
       "Mean time that servers took for calls within alerts.window, without waiting for a backend.",
       kSlowAdvice},
      {Id::query_p95, "query.p95", Unit::seconds, false, database, "Query, 95th percentile",
       "Of the calls within alerts.window, servers took no longer for 95 of 100.", kSlowAdvice},
      {Id::query_p99, "query.p99", Unit::seconds, false, database, "Query, 99th percentile",
       "Of the calls within alerts.window, servers took no longer for 99 of 100.", kSlowAdvice},
      {Id::query_error_ratio, "query.error_ratio", Unit::share, false, database, "Queries that failed",
       "Calls that ended with an error, and what Forebay refused, of all within alerts.window.",
       "Look at Statements for which of them fail and with which SQLSTATE, and at the server's log."},
      {Id::query_slow, "query.slow", Unit::count, false, database, "Slow queries",
       "Calls within alerts.window for which servers took longer than 0.52 s.", kSlowAdvice},
      {Id::query_slow_ratio, "query.slow_ratio", Unit::share, false, database, "Share of slow queries",
       "Calls for which servers took longer than 0.52 s, of all within alerts.window.", kSlowAdvice},
      {Id::transaction_p95, "transaction.p95", Unit::seconds, false, database, "Transaction, 95th percentile",
       "Of the transactions within alerts.window, 95 of 100 took no longer, from first message to end.",
       kSlowAdvice},
      {Id::transaction_slow_ratio, "transaction.slow_ratio", Unit::share, false, database,
       "Share of slow transactions", "Transactions that took longer than 2.1 s, of all within alerts.window.",
       kSlowAdvice},
      {Id::transaction_idle, "transaction.idle", Unit::seconds, false, pool, "Longest idle in transaction",
       "How long the client that has been idle in a transaction for longest has sent nothing.",
       "SHOW CLIENTS tells who it is. Set timeouts.idle_in_transaction, and mend the application: such a "
       "client "
       "holds a backend, locks, and what VACUUM could remove."},
      {Id::cache_hit_ratio, "cache.hit_ratio", Unit::share, true, cache, "Hit ratio",
       "Statements answered from memory within alerts.window, of those that could have been.",
       "Look at Cache: results that are ended by writes at once, a size that is too small, or statements "
       "that never "
       "repeat."},
      {Id::cache_hit_p99, "cache.hit_p99", Unit::seconds, false, database,
       "Answer from memory, 99th percentile",
       "Of the answers from memory within alerts.window, 99 of 100 took no longer, from question to answer.",
       "Forebay's threads are busy or have to wait: see process.cpu and machine.cpu, and raise threads."},
      {Id::cache_lease_age, "cache.lease_age", Unit::seconds, false, cache, "Age of the cache's lease",
       "Time since the last proof that no change was missed, while the cache is asked. Beyond "
       "cache.staleness "
       "nothing is served from memory.",
       "Look at the change stream of that server: long transactions that it decodes, a slow or stopped "
       "walsender."},
      {Id::cache_troubled, "cache.troubled", Unit::flag, false, cache, "Cache in trouble",
       "Nothing is served from memory, or there is no better level.",
       "SHOW CACHE, and the page Cache, say why."},
      {Id::cache_use,
       "cache.use",
       Unit::share,
       false,
       {},
       "Cache's memory in use",
       "What kept results take, of cache.size. A full cache is in order: it lets go of what is asked for "
       "least.",
       "Raise cache.size if the hit ratio is low as well."},
      {Id::server_down, "server.down", Unit::flag, false, server, "Server down",
       "A server does not answer, or must not be used.",
       "Look at that server and at the network; the page Pools says what it answered."},
      {Id::replica_out, "replica.out", Unit::flag, false, server, "Replica taken out",
       "A replica gets no reads: it is down, refused, or too far behind.",
       "Look at that replica: whether it runs, whether it receives and replays the primary's log."},
      {Id::replica_lag, "replica.lag", Unit::seconds, false, server, "Replica's lag",
       "How far what a replica shows is behind the primary.",
       "Look for what holds up its replay: long queries there, a slow disk or network, a bulk change."},
      {Id::paused,
       "paused",
       Unit::flag,
       false,
       {},
       "Paused",
       "All databases are paused.",
       "RESUME when the maintenance is over."},
      {Id::health_mean,
       "health.mean",
       Unit::seconds,
       false,
       {},
       "Answers of /health, mean",
       "Mean time within alerts.window from having read a request for /health to having sent the answer.",
       "Forebay's thread for HTTP is busy: see who asks for /metrics and for pages so often, and "
       "machine.cpu."},
      {Id::ready_ratio,
       "ready.ratio",
       Unit::share,
       true,
       {},
       "Time that clients could be served",
       "Looks of the last 24 hours, one a second, that found Forebay ready (/health/ready), of all since its "
       "start; nothing in the first hour.",
       "/health/ready says why it is not, and the log since when it was not."},
      {Id::process_memory,
       "process.memory",
       Unit::share,
       false,
       {},
       "Forebay's memory",
       "Memory of this process, of the machine's.",
       "Lower cache.size, or find out what grows."},
      {Id::process_memory_growth,
       "process.memory_growth",
       Unit::bytes_per_hour,
       false,
       {},
       "Growth of Forebay's memory",
       "The slope of this process' memory without kept results, by least squares over up to six hours; "
       "nothing in "
       "the first hour.",
       "Compare forebay_object_memory_bytes over time, and report it: a long growth without more clients is "
       "a leak."},
      {Id::process_cpu,
       "process.cpu",
       Unit::share,
       false,
       {},
       "Forebay's processor time",
       "Processor time of this process within alerts.window, of that of as many processors as threads serve "
       "clients.",
       "Raise threads, or move clients to another Forebay."},
      {Id::process_files,
       "process.files",
       Unit::share,
       false,
       {},
       "Open files",
       "Open file descriptors, of those allowed.",
       "Raise LimitNOFILE= of the service."},
      {Id::machine_memory,
       "machine.memory",
       Unit::share,
       false,
       {},
       "Machine's memory",
       "Memory of the machine that is not available to new programs.",
       kMachineAdvice},
      {Id::machine_cpu,
       "machine.cpu",
       Unit::share,
       false,
       {},
       "Machine's processors",
       "Time that the machine's processors were busy within alerts.window.",
       kMachineAdvice},
      {Id::server_connections, "server.connections", Unit::share, false, server, "Server's connections",
       "Connections that a server has, whoever they are from, of its max_connections.",
       "See on the page Database who has them. Let applications come through Forebay, or lower pool.size; "
       "raise max_connections only if the server has the memory for it."},
      {Id::server_blocked, "server.blocked", Unit::count, false, server, "Blocked sessions",
       "Sessions of a server that wait for a lock of another.",
       "The page Database shows who is waited for. End that transaction, and keep such ones short."},
      {Id::server_longest_transaction, "server.longest_transaction", Unit::seconds, false, server,
       "Longest transaction", "How long the oldest transaction of a server has run, autovacuum's left out.",
       "The page Database tells whose it is. While it runs, VACUUM removes nothing that it could still see, "
       "in any table."},
      {Id::server_idle_in_transaction, "server.idle_in_transaction", Unit::seconds, false, server,
       "Longest idle in transaction on the server",
       "How long a session of a server has been idle in a transaction, whoever it is from.", kIdleAdvice},
      {Id::server_idle_in_transaction_count, "server.idle_in_transaction_count", Unit::count, false, server,
       "Sessions idle in transaction", "Sessions of a server that are idle in a transaction.", kIdleAdvice},
      {Id::server_deadlocks, "server.deadlocks", Unit::count, false, on_server, "Deadlocks",
       "Deadlocks that a server has broken within alerts.window.",
       "The server's log names the statements. Let all transactions take their locks in one order."},
      {Id::server_hit_ratio, "server.hit_ratio", Unit::share, true, on_server, "Server's hit ratio",
       "Blocks that were in the server's own buffers, of all that it needed within alerts.window.",
       "Look at Database for tables that are read as a whole: an index is missing, or shared_buffers is "
       "small for what is read again and again."},
      {Id::server_temporary_bytes, "server.temporary_bytes", Unit::bytes, false, on_server, "Temporary files",
       "Bytes that a server wrote to temporary files within alerts.window.",
       "Look at Database for statements with temporary blocks: sorts and hashes that work_mem is too small "
       "for."},
      {Id::server_xids_used, "server.xids_used", Unit::share, false, on_server, "Transaction ids used",
       "Age of a database's oldest transaction id, of the age at which the server takes no more writes.",
       "See whether autovacuum runs there, and what holds it up: long or prepared transactions, slots, "
       "tables that are locked. VACUUM FREEZE what is oldest."},
      {Id::server_database_size, "server.database_size", Unit::bytes, false, on_server, "Database's size",
       "What a database takes on the primary's disk.",
       "Look at Database for the largest tables and for indexes that nobody uses."},
      {Id::server_database_growth, "server.database_growth", Unit::bytes_per_hour, false, on_server,
       "Database's growth",
       "How fast a database grows, by its sizes of up to a day; nothing in the first ten minutes.",
       "Look at Database for the tables that grow."},
      {Id::server_slot_retained,
       "server.slot_retained",
       Unit::bytes,
       false,
       {"server", "slot"},
       "Log kept for a slot",
       "Log that a server keeps because a replication slot has not taken it yet.",
       "See to whoever reads that slot, or drop it: the log grows until the disk is full, unless "
       "max_slot_wal_keep_size bounds it."},
      {Id::server_dead_rows,
       "server.dead_rows",
       Unit::share,
       false,
       {"server", "database", "table"},
       "Dead rows",
       "Dead rows of a table, of all its rows; of tables with ten thousand dead rows or more.",
       "VACUUM that table; see whether something holds VACUUM up, and set autovacuum_vacuum_scale_factor "
       "lower for it."},
  };
}

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0) || value > 1e15)
    return complaint("is no number");
  return value;
}

}  // namespace

std::string_view name_of(AlertLevel level) {
  switch (level) {
    case AlertLevel::info:
      return "info";
    case AlertLevel::warning:
      return "warning";
    case AlertLevel::critical:
      break;
  }
  return "critical";
}

const std::vector<Signal>& signals() {
  static const std::vector<Signal> all = make_signals();
  return all;
}

const Signal& signal(SignalId id) {
  return signals()[static_cast<std::size_t>(id)];
}

const Signal* find_signal(std::string_view name) {
  const auto at = std::ranges::find(signals(), name, &Signal::name);
  return at == signals().end() ? nullptr : &*at;
}

Result<double> parse_threshold(SignalUnit unit, std::string_view text) {
  text = trimmed(text);
  switch (unit) {
    case SignalUnit::share: {
      if (text.ends_with('%')) {
        const auto value = parse_number(trimmed(text.substr(0, text.size() - 1)));
        if (value && *value <= 100) return *value / 100;
      }
      return complaint("takes a share such as 80%");
    }
    case SignalUnit::seconds: {
      const auto value = parse_duration(text, {0, kLongestDuration});
      if (!value) return complaint("takes a time such as 500ms or 2s");
      return static_cast<double>(value->count()) / 1000;
    }
    case SignalUnit::count: {
      const auto value = parse_number(text);
      if (!value) return complaint("takes a number such as 10");
      return *value;
    }
    case SignalUnit::bytes: {
      const auto value = parse_byte_size(text, {0, kMostBytes});
      if (!value) return complaint("takes a size such as 5GB");
      return static_cast<double>(value->bytes);
    }
    case SignalUnit::bytes_per_hour: {
      if (text.ends_with(kHour)) {
        const auto value = parse_byte_size(text.substr(0, text.size() - kHour.size()), {0, kMostBytes});
        if (value) return static_cast<double>(value->bytes);
      }
      return complaint("takes a size per hour such as 1MB/h");
    }
    case SignalUnit::flag: {
      const auto value = parse_boolean(text);
      if (value && *value) return 0.0;
      return complaint("takes true; leave the level out otherwise");
    }
  }
  return complaint("cannot be read");
}

std::string value_text(SignalUnit unit, double value) {
  switch (unit) {
    case SignalUnit::share:
      return fmt::format("{:.4g} %", value * 100);
    case SignalUnit::seconds:
      return value < 1 ? fmt::format("{:.3g} ms", value * 1000) : fmt::format("{:.4g} s", value);
    case SignalUnit::count:
      return fmt::format("{:.4g}", value);
    case SignalUnit::bytes:
      return value < 1e9 ? fmt::format("{:.3g} MB", value / 1e6) : fmt::format("{:.4g} GB", value / 1e9);
    case SignalUnit::bytes_per_hour:
      return fmt::format("{:.3g} MB/h", value / 1e6);
    case SignalUnit::flag:
      return value > 0 ? "yes" : "no";
  }
  return {};
}

}  // namespace forebay::config
