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

constexpr std::string_view kHour = "/h";

std::vector<Signal> make_signals() {
  const Labels pool{"database", "user", "server", "use"};
  const Labels database{"database"};
  const Labels cache{"database", "server"};
  const Labels server{"server"};
  return {
      {Id::pool_use, "pool.use", Unit::share, false, pool, "Pool in use",
       "Backends of a pool that are lent to clients, of those that it may have.", kPoolAdvice},
      {Id::pool_longest_wait, "pool.longest_wait", Unit::seconds, false, pool, "Longest wait for a backend",
       "How long the first in the queue for a backend has waited.", kPoolAdvice},
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
       "Calls that ended with an error, of those that servers answered within alerts.window.",
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
    case SignalUnit::bytes_per_hour: {
      if (text.ends_with(kHour)) {
        const auto value = parse_byte_size(text.substr(0, text.size() - kHour.size()), {0, 1ULL << 50});
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
    case SignalUnit::bytes_per_hour:
      return fmt::format("{:.3g} MB/h", value / 1e6);
    case SignalUnit::flag:
      return value > 0 ? "yes" : "no";
  }
  return {};
}

}  // namespace forebay::config
