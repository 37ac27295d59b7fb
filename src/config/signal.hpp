#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// What rules of alerts can watch. One table: the evaluation in the process, the rules for Prometheus, the
/// dashboard for Grafana and the documentation are made from it. Thread safe, without state.
namespace forebay::config {

enum class SignalId : std::uint8_t {
  pool_use,
  pool_longest_wait,
  pool_wait_p95,
  clients_use,
  query_mean,
  query_p95,
  query_p99,
  query_error_ratio,
  query_slow,
  query_slow_ratio,
  transaction_p95,
  transaction_slow_ratio,
  transaction_idle,
  cache_hit_ratio,
  cache_hit_p99,
  cache_lease_age,
  cache_troubled,
  cache_use,
  server_down,
  replica_out,
  replica_lag,
  paused,
  health_mean,
  ready_ratio,
  process_memory,
  process_memory_growth,
  process_cpu,
  process_files,
  machine_memory,
  machine_cpu,
  server_connections,
  server_blocked,
  server_longest_transaction,
  server_idle_in_transaction,
  server_idle_in_transaction_count,
  server_deadlocks,
  server_hit_ratio,
  server_temporary_bytes,
  server_xids_used,
  server_database_size,
  server_database_growth,
  server_slot_retained,
  server_dead_rows,
};

/// What a value of a signal counts, and how a threshold for it is written.
enum class SignalUnit : std::uint8_t {
  share,           ///< 0 to 1; 80%
  seconds,         ///< 500ms, 2s
  count,           ///< 10
  bytes,           ///< 5GB
  bytes_per_hour,  ///< 1MB/h
  flag,            ///< 0 or 1; `true` is the only threshold
};

enum class AlertLevel : std::uint8_t { info, warning, critical };
inline constexpr std::array kAlertLevels{AlertLevel::info, AlertLevel::warning, AlertLevel::critical};
std::string_view name_of(AlertLevel level);

struct Signal {
  SignalId id;
  std::string_view name;  ///< as rules call it
  SignalUnit unit;
  bool is_worse_below;                   ///< else what is above a threshold is bad
  std::vector<std::string_view> labels;  ///< which of several things a value is of
  std::string_view title;                ///< a few words
  std::string_view help;                 ///< what the value is
  std::string_view advice;               ///< what to do when it is bad
};

/// All of them, in the order of SignalId.
const std::vector<Signal>& signals();
const Signal& signal(SignalId id);
/// Null when there is none of that name.
const Signal* find_signal(std::string_view name);

/// As `unit` says; the error tells what is expected.
Result<double> parse_threshold(SignalUnit unit, std::string_view text);
/// For people: "93.5 %", "1.2 s", "yes".
std::string value_text(SignalUnit unit, double value);

/// Calls of this length, in seconds, are slow: the bound of a bucket of the histograms that is nearest to
/// half a second, so that counting is exact, here and in Prometheus.
inline constexpr double kSlowCall = 0.524288;
/// Likewise the one nearest to two seconds, for transactions.
inline constexpr double kSlowTransaction = 2.097152;
/// What is a mean, a ratio or the 95th percentile of fewer values than this says nothing.
inline constexpr std::uint64_t kLeastValues = 20;
/// Likewise for the 99th percentile, and for hit ratios.
inline constexpr std::uint64_t kLeastManyValues = 100;
/// How long a time uptime is of, and the shortest that it is told of.
inline constexpr std::uint64_t kReadyHours = 24;
inline constexpr std::uint64_t kLeastReadyMinutes = 60;
/// The server's own hit ratio says nothing of fewer blocks than this: 80 MB of pages within a window. A
/// server that does next to nothing reads its catalogs once and again.
inline constexpr std::uint64_t kLeastBlocks = 10'000;
/// Transaction ids before a server takes no more writes: three million before they would run out
/// (https://www.postgresql.org/docs/15/routine-vacuuming.html).
inline constexpr std::int64_t kXidsUntilReadOnly = (std::int64_t{1} << 31) - 1 - 3'000'000;
/// Growth of a database is known when it has been seen for so long, in seconds.
inline constexpr std::uint64_t kLeastGrowthSeconds = 600;
/// Memory is watched for so long to tell whether it grows, once a minute.
inline constexpr std::uint64_t kGrowthMinutes = 360;
/// The growth of a younger process says nothing: it fills its buffers and tables.
inline constexpr std::uint64_t kLeastGrowthMinutes = 60;

}  // namespace forebay::config
