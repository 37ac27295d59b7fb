// What each SHOW answers with. PgBouncer's columns: https://www.pgbouncer.org/usage.html#show-commands

#include "pgfront/show_commands.hpp"

#include <algorithm>
#include <initializer_list>

namespace forebay::pgfront {

namespace {

constexpr ColumnType kInt4 = ColumnType::int4;
constexpr ColumnType kInt8 = ColumnType::int8;
constexpr ColumnType kNumeric = ColumnType::numeric;

Columns texts(std::initializer_list<std::string_view> names) {
  Columns columns;
  for (const auto name : names) columns.push_back({name});
  return columns;
}

Columns operator+(Columns columns, const Columns& more) {
  columns.insert(columns.end(), more.begin(), more.end());
  return columns;
}

Columns numbers(std::initializer_list<std::string_view> names, ColumnType type) {
  Columns columns;
  for (const auto name : names) columns.push_back({name, type});
  return columns;
}

Columns socket_columns() {
  return texts({"type", "user", "database", "replication", "state", "addr"}) + Columns{{"port", kInt4}} +
         Columns{{"local_addr"}, {"local_port", kInt4}} + texts({"connect_time", "request_time"}) +
         numbers({"wait", "wait_us", "close_needed"}, kInt4) + texts({"ptr", "link"}) +
         Columns{{"remote_pid", kInt4}} + texts({"tls", "application_name"}) +
         Columns{{"prepared_statements", kInt4}, {"id", kInt8}};
}

Columns socket_buffer_columns() {
  return numbers({"recv_pos", "pkt_pos", "pkt_remain", "send_pos", "send_remain", "pkt_avail", "send_avail"},
                 kInt4);
}

Columns own_socket_columns() {
  return Columns{{"transaction"}, {"held_because"}, {"thread", kInt4}};
}

Columns pool_columns() {
  return texts({"database", "user"}) +
         numbers({"cl_active", "cl_waiting", "cl_active_cancel_req", "cl_waiting_cancel_req", "sv_active",
                  "sv_active_cancel", "sv_being_canceled", "sv_idle", "sv_used", "sv_tested", "sv_login",
                  "maxwait", "maxwait_us"},
                 kInt4) +
         texts({"pool_mode", "load_balance_hosts"});
}

Columns stats_columns() {
  return texts({"database"}) + numbers({"total_server_assignment_count",
                                        "total_xact_count",
                                        "total_query_count",
                                        "total_received",
                                        "total_sent",
                                        "total_xact_time",
                                        "total_query_time",
                                        "total_wait_time",
                                        "total_client_parse_count",
                                        "total_server_parse_count",
                                        "total_bind_count",
                                        "avg_server_assignment_count",
                                        "avg_xact_count",
                                        "avg_query_count",
                                        "avg_recv",
                                        "avg_sent",
                                        "avg_xact_time",
                                        "avg_query_time",
                                        "avg_wait_time",
                                        "avg_client_parse_count",
                                        "avg_server_parse_count",
                                        "avg_bind_count"},
                                       kNumeric);
}

Columns traffic_columns() {
  return texts({"database"}) +
         numbers({"server_assignment_count", "xact_count", "query_count", "bytes_received", "bytes_sent",
                  "xact_time", "query_time", "wait_time"},
                 kNumeric);
}

Columns database_columns() {
  return texts({"name", "host"}) + Columns{{"port", kInt4}} + texts({"database", "force_user"}) +
         numbers({"pool_size", "min_pool_size", "reserve_pool_size", "server_lifetime"}, kInt4) +
         texts({"pool_mode", "load_balance_hosts"}) +
         numbers({"max_connections", "current_connections", "max_client_connections",
                  "current_client_connections", "paused", "disabled"},
                 kInt4);
}

Columns user_columns() {
  return texts({"name", "pool_size", "reserve_pool_size", "pool_mode"}) +
         numbers({"max_user_connections", "current_connections", "max_user_client_connections",
                  "current_client_connections"},
                 kInt4);
}

Columns cache_entry_columns() {
  return texts({"database", "statement", "relations", "tags"}) +
         numbers({"rows", "bytes", "hits", "age_ms", "saved_ms"}, kInt8);
}

Columns cache_columns() {
  return texts({"database", "level", "trouble"}) +
         numbers({"staleness_ms", "lease_age_ms", "age_p50_ms", "age_p99_ms", "age_max_ms", "entries",
                  "bytes", "hits", "misses", "waits", "fills", "refills", "stale", "refused", "saved_ms"},
                 kInt8);
}

Columns statement_columns() {
  return texts({"database", "query"}) + numbers({"calls"}, kInt8) +
         numbers({"total_exec_time", "min_exec_time", "max_exec_time", "mean_exec_time", "p50_exec_time",
                  "p95_exec_time", "p99_exec_time"},
                 kNumeric) +
         numbers({"rows"}, kInt8) + numbers({"total_wait_time"}, kNumeric) + numbers({"cache_hits"}, kInt8) +
         numbers({"saved_time"}, kNumeric) + numbers({"errors"}, kInt8) +
         numbers({"total_error_time"}, kNumeric) + texts({"last_error", "first_seen", "last_seen"});
}

Columns repetition_columns() {
  return texts({"database", "kind", "query", "confirmed", "within"}) +
         numbers({"windows", "executions", "most_executions"}, kInt8) +
         numbers({"total_exec_time"}, kNumeric) +
         texts({"earlier_query", "earlier_column", "rewrite", "first_seen", "last_seen"});
}

Columns alert_columns() {
  return texts(
      {"rule", "object", "level", "value", "threshold", "since", "acknowledged_by", "description", "id"});
}

Columns topology_columns() {
  return texts({"server", "role", "state", "why"}) +
         Columns{{"weight", kInt4}, {"lag_ms", kInt8}, {"position"}} + Columns{{"timeline", kInt4}} +
         numbers({"backends", "assignments"}, kInt8) + texts({"zone"});
}

std::vector<ShowCommand> make_commands() {
  return {
      {"pools", pool_columns(), numbers({"sv_held", "sv_most", "paused"}, kInt4) + texts({"server"}),
       show::pools},
      {"clients", socket_columns(), own_socket_columns(), show::clients},
      {"servers", socket_columns(), own_socket_columns(), show::servers},
      {"sockets", socket_columns() + socket_buffer_columns(), own_socket_columns(), show::sockets},
      {"active_sockets", socket_columns() + socket_buffer_columns(), own_socket_columns(),
       show::active_sockets},
      {"stats", stats_columns(), {}, show::stats},
      {"stats_totals",
       traffic_columns() + numbers({"client_parse_count", "server_parse_count", "bind_count"}, kNumeric),
       {},
       show::stats_totals},
      {"stats_averages",
       traffic_columns() +
           numbers({"avg_client_parse_count", "avg_server_parse_count", "avg_bind_count"}, kNumeric),
       {},
       show::stats_averages},
      {"totals", Columns{{"name"}, {"value", kNumeric}}, {}, show::totals},
      {"databases", database_columns(), numbers({"pool_overflow"}, kInt4), show::databases},
      {"users", user_columns(), {}, show::users},
      {"cache", cache_columns(), {}, show::cache},
      {"cache_entries", cache_entry_columns(), {}, show::cache_entries},
      {"statements", statement_columns(), {}, show::statements},
      {"recommendations",
       texts({"urgency", "title", "evidence", "gain", "advice", "change", "id"}),
       {},
       show::recommendations},
      {"repetitions", repetition_columns(), {}, show::repetitions},
      {"alerts", alert_columns(), {}, show::alerts},
      {"latencies",
       texts({"database", "of"}) + numbers({"count"}, kInt8) +
           numbers({"total_time", "mean_time", "p50_time", "p95_time", "p99_time"}, kNumeric),
       {},
       show::latencies},
      {"topology", topology_columns(), {}, show::topology},
      {"config", texts({"key", "value", "default", "changeable"}), {}, show::config},
      {"lists", Columns{{"list"}, {"items", kInt4}}, {}, show::lists},
      {"mem",
       Columns{{"name"}, {"size", kInt4}, {"used", kInt4}, {"free", kInt4}, {"memtotal", kInt8}},
       {},
       show::mem},
      {"state", texts({"key", "value"}), {}, show::state},
      {"version", texts({"version"}), {}, show::version},
      {"dns_hosts", Columns{{"hostname"}, {"ttl", kInt8}, {"addrs"}}, {}, show::nothing},
      {"dns_zones", Columns{{"zonename"}, {"serial", kInt8}, {"count", kInt4}}, {}, show::nothing},
      {"peers",
       Columns{{"peer_id", kInt4}, {"host"}, {"port", kInt4}, {"pool_size", kInt4}},
       {},
       show::nothing},
      {"peer_pools",
       numbers({"peer_id", "cl_active_cancel_req", "cl_waiting_cancel_req", "sv_active_cancel", "sv_login"},
               kInt4),
       {},
       show::nothing},
  };
}

}  // namespace

Columns ShowCommand::columns(ConsoleView view) const {
  return view == ConsoleView::forebay ? pgbouncer + own : pgbouncer;
}

const std::vector<ShowCommand>& show_commands() {
  static const std::vector<ShowCommand> commands = make_commands();
  return commands;
}

const ShowCommand* find_show_command(std::string_view name) {
  const auto& commands = show_commands();
  const auto at = std::ranges::find(commands, name, &ShowCommand::name);
  return at == commands.end() ? nullptr : &*at;
}

}  // namespace forebay::pgfront
