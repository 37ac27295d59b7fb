#include "alert/expressions.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace forebay::alert {

namespace {

using config::SignalId;

constexpr std::string_view kSpecial = "\\.+?()[]{}^$|";
constexpr std::string_view kWaits = "forebay_backend_wait_duration_seconds_count";
constexpr std::string_view kTransactions = "forebay_transaction_duration_seconds_count";
constexpr std::string_view kHits = "forebay_cache_hit_duration_seconds_count";
constexpr std::string_view kCalls = "forebay_call_duration_seconds_count";

/// `@` stands for the matchers, with a comma before them when something stands there already; `W` in brackets
/// for the window.
std::string template_of(SignalId id) {
  // Too few values say nothing: what they come to is left out.
  const auto counted = [](std::string_view value, std::string_view count, std::uint64_t least) {
    return fmt::format("({}) and increase({}{{@}}[W]) >= {}", value, count, least);
  };
  const auto least = config::kLeastValues;
  const auto many = config::kLeastManyValues;
  // What a server said before it stopped answering is within the window for a while, and none of now.
  const auto answering = [](std::string_view value, std::string_view now) {
    return fmt::format("({}) and {}{{@}}", value, now);
  };
  const auto slow = [](std::string_view histogram, double bound) {
    return fmt::format("increase({0}_count{{@}}[W]) - ignoring(le) increase({0}_bucket{{le=\"{1}\",@}}[W])",
                       histogram, bound);
  };
  switch (id) {
    case SignalId::pool_use:
      return "sum without (state) (forebay_pool_backends{state=~\"active|tested|login|being_canceled\",@}) / "
             "forebay_pool_backends_limit{@}";
    case SignalId::pool_longest_wait:
      return "forebay_pool_longest_wait_seconds{@} unless on (job, instance, database) "
             "(forebay_database_paused == 1)";
    case SignalId::pool_wait_p95:
      return counted("histogram_quantile(0.95, rate(forebay_backend_wait_duration_seconds_bucket{@}[W]))",
                     kWaits, least);
    case SignalId::clients_use:
      return "forebay_clients_counted{@} / (forebay_clients_limit{@} > 0)";
    case SignalId::query_mean:
      return counted(
          "rate(forebay_call_duration_seconds_sum{@}[W]) / rate(forebay_call_duration_seconds_count{@}[W])",
          kCalls, least);
    case SignalId::query_p95:
      return counted("histogram_quantile(0.95, rate(forebay_call_duration_seconds_bucket{@}[W]))", kCalls,
                     least);
    case SignalId::query_p99:
      return counted("histogram_quantile(0.99, rate(forebay_call_duration_seconds_bucket{@}[W]))", kCalls,
                     many);
    case SignalId::query_error_ratio:
      return fmt::format(
          "((rate(forebay_call_errors_total{{@}}[W]) + rate(forebay_refused_calls_total{{@}}[W])) / "
          "(rate({0}{{@}}[W]) + rate({1}{{@}}[W]) + rate(forebay_refused_calls_total{{@}}[W]))) and "
          "(increase({0}{{@}}[W]) + increase({1}{{@}}[W]) + increase(forebay_refused_calls_total{{@}}[W])) "
          ">= {2}",
          kCalls, kHits, least);
    case SignalId::query_slow:
      return slow("forebay_call_duration_seconds", config::kSlowCall);
    case SignalId::query_slow_ratio:
      return fmt::format(
          "(({0}) / (increase({1}{{@}}[W]) + increase({2}{{@}}[W]))) and "
          "(increase({1}{{@}}[W]) + increase({2}{{@}}[W])) >= {3}",
          slow("forebay_call_duration_seconds", config::kSlowCall), kCalls, kHits, least);
    case SignalId::transaction_p95:
      return counted("histogram_quantile(0.95, rate(forebay_transaction_duration_seconds_bucket{@}[W]))",
                     kTransactions, least);
    case SignalId::transaction_slow_ratio:
      return counted(
          fmt::format("({}) / increase({}{{@}}[W])",
                      slow("forebay_transaction_duration_seconds", config::kSlowTransaction), kTransactions),
          kTransactions, least);
    case SignalId::transaction_idle:
      return "forebay_pool_longest_idle_transaction_seconds{@}";
    case SignalId::cache_hit_ratio:
      return fmt::format(
          "(rate(forebay_cache_hits_total{{@}}[W]) / (rate(forebay_cache_hits_total{{@}}[W]) + "
          "rate(forebay_cache_misses_total{{@}}[W]))) and (increase(forebay_cache_hits_total{{@}}[W]) + "
          "increase(forebay_cache_misses_total{{@}}[W])) >= {}",
          many);
    case SignalId::cache_hit_p99:
      return counted("histogram_quantile(0.99, rate(forebay_cache_hit_duration_seconds_bucket{@}[W]))", kHits,
                     many);
    case SignalId::cache_lease_age:
      return "forebay_cache_lease_age_seconds{@}";
    case SignalId::cache_troubled:
      return "forebay_cache_troubled{@}";
    case SignalId::cache_use:
      return "forebay_cache_size_bytes{@} / forebay_cache_size_limit_bytes{@}";
    case SignalId::server_down:
      return "max without (state) (forebay_server_state{state=~\"down|refused\",@})";
    case SignalId::replica_out:
      return "max without (state) (forebay_server_state{state=~\"lagging|down|refused\",@}) unless "
             "forebay_server_primary{@} == 1";
    case SignalId::replica_lag:
      return "forebay_server_lag_seconds{@}";
    case SignalId::paused:
      return "forebay_paused{@}";
    case SignalId::health_mean:
      return "rate(forebay_health_duration_seconds_sum{@}[W]) / "
             "(rate(forebay_health_duration_seconds_count{@}[W]) > 0)";
    case SignalId::ready_ratio:
      return fmt::format(
          "avg_over_time(forebay_ready{{@}}[{}h]) and (time() - process_start_time_seconds{{@}}) > {}",
          config::kReadyHours, config::kLeastReadyMinutes * 60);
    case SignalId::process_memory:
      return "process_resident_memory_bytes{@} / forebay_machine_memory_bytes{@}";
    case SignalId::process_memory_growth:
      return fmt::format(
          "(deriv((process_resident_memory_bytes{{@}} - forebay_cache_size_bytes{{@}})[{}m:1m]) * 3600) and "
          "(time() - process_start_time_seconds{{@}}) > {}",
          config::kGrowthMinutes, config::kLeastGrowthMinutes * 60);
    case SignalId::process_cpu:
      return "rate(process_cpu_seconds_total{@}[W]) / forebay_client_threads{@}";
    case SignalId::process_files:
      return "process_open_fds{@} / process_max_fds{@}";
    case SignalId::machine_memory:
      return "1 - forebay_machine_memory_available_bytes{@} / forebay_machine_memory_bytes{@}";
    case SignalId::machine_cpu:
      return "sum without (mode) (rate(forebay_machine_cpu_seconds_total{mode=\"busy\",@}[W])) / "
             "sum without (mode) (rate(forebay_machine_cpu_seconds_total{@}[W]))";
    case SignalId::server_connections:
      return "forebay_postgres_connections{@} / forebay_postgres_connections_limit{@}";
    case SignalId::server_blocked:
      return "forebay_postgres_blocked_sessions{@}";
    case SignalId::server_longest_transaction:
      return "forebay_postgres_longest_transaction_seconds{@}";
    case SignalId::server_idle_in_transaction:
      return "forebay_postgres_longest_idle_in_transaction_seconds{@}";
    case SignalId::server_idle_in_transaction_count:
      return "sum without (state) (forebay_postgres_sessions{state=~\"idle in transaction.*\",@})";
    case SignalId::server_deadlocks:
      return answering("increase(forebay_postgres_deadlocks_total{@}[W])",
                       "forebay_postgres_deadlocks_total");
    case SignalId::server_hit_ratio:
      return answering(fmt::format("(rate(forebay_postgres_blocks_hit_total{{@}}[W]) / "
                                   "(rate(forebay_postgres_blocks_hit_total{{@}}[W]) + "
                                   "rate(forebay_postgres_blocks_read_total{{@}}[W]))) and "
                                   "(increase(forebay_postgres_blocks_hit_total{{@}}[W]) + "
                                   "increase(forebay_postgres_blocks_read_total{{@}}[W])) >= {}",
                                   config::kLeastBlocks),
                       "forebay_postgres_blocks_hit_total");
    case SignalId::server_temporary_bytes:
      return answering("increase(forebay_postgres_temporary_bytes_total{@}[W])",
                       "forebay_postgres_temporary_bytes_total");
    case SignalId::server_xids_used:
      return fmt::format("forebay_postgres_xid_age{{@}} / {}", config::kXidsUntilReadOnly);
    case SignalId::server_database_size:
      return "forebay_postgres_database_size_bytes{@}";
    case SignalId::server_database_growth:
      return answering(fmt::format("(deriv(forebay_postgres_database_size_bytes{{@}}[1d]) * 3600) and "
                                   "(forebay_postgres_database_size_bytes{{@}} offset {}s)",
                                   config::kLeastGrowthSeconds),
                       "forebay_postgres_database_size_bytes");
    case SignalId::server_slot_retained:
      return "forebay_postgres_slot_retained_bytes{@}";
    case SignalId::server_dead_rows:
      return "forebay_postgres_table_dead_share{@}";
  }
  return {};
}

/// Text between double quotes of PromQL.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string matcher_of(const std::string& label, std::string_view pattern) {
  if (pattern.find('*') == std::string_view::npos) return label + "=" + quoted(pattern);
  std::string regex;
  for (const char c : pattern) {
    if (c == '*') {
      regex += ".*";
    } else {
      if (kSpecial.find(c) != std::string_view::npos) regex += '\\';
      regex += c;
    }
  }
  return label + "=~" + quoted(regex);
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

/// The most natural unit that takes no fraction, as Prometheus writes durations.
std::string duration_text(config::Duration time) {
  return time.count() % 1000 == 0 ? fmt::format("{}s", time.count() / 1000)
                                  : fmt::format("{}ms", time.count());
}

}  // namespace

std::string expression_of(const config::Signal& signal, config::Duration window,
                          const std::vector<std::pair<std::string, std::string>>& matches,
                          const std::string& more_matchers) {
  std::string matchers = more_matchers;
  for (const auto& [label, pattern] : matches) {
    if (!matchers.empty()) matchers += ',';
    matchers += matcher_of(label, pattern);
  }
  std::string text = template_of(signal.id);
  replace_all(text, "[W]", "[" + duration_text(window) + "]");
  if (matchers.empty()) {
    replace_all(text, "{@}", "");
    replace_all(text, ",@}", "}");
  } else {
    replace_all(text, "@}", matchers + "}");
  }
  return text;
}

std::string condition_of(const config::RuleInUse& rule, double threshold, config::Duration window) {
  return fmt::format("({}) {} {}", expression_of(*rule.signal, window, rule.matches),
                     rule.signal->is_worse_below ? '<' : '>', threshold);
}

}  // namespace forebay::alert
