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
  cache_lease_age,
  cache_troubled,
  cache_use,
  server_down,
  replica_out,
  replica_lag,
  paused,
  process_memory,
  process_memory_growth,
  process_cpu,
  process_files,
  machine_memory,
  machine_cpu,
};

/// What a value of a signal counts, and how a threshold for it is written.
enum class SignalUnit : std::uint8_t {
  share,           ///< 0 to 1; 80%
  seconds,         ///< 500ms, 2s
  count,           ///< 10
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
/// Memory is watched for so long to tell whether it grows, once a minute.
inline constexpr std::uint64_t kGrowthMinutes = 360;
/// The growth of a younger process says nothing: it fills its buffers and tables.
inline constexpr std::uint64_t kLeastGrowthMinutes = 60;

}  // namespace forebay::config
