#include "config/pgbouncer_parameters.hpp"

#include <algorithm>
#include <iterator>

namespace forebay::config {
namespace {

constexpr std::string_view kState = "Forebay carries or clears the state of a session itself";
constexpr std::string_view kProcessors = "one Forebay uses all processors";
constexpr std::string_view kSyslog =
    "Forebay logs on standard error; let systemd or the shell take it from there";
constexpr std::string_view kSockets = "Forebay chooses its buffers and socket options itself";
constexpr std::string_view kTlsDetails = "OpenSSL's own configuration decides about versions and ciphers";
constexpr std::string_view kNothing = "there is nothing like it";

constexpr PgbouncerParameter kParameters[] = {
    // carried, with the defaults that differ from Forebay's written out by the import
    {"listen_addr", ""},
    {"listen_port", "6432"},
    {"unix_socket_dir", "/tmp"},
    {"unix_socket_mode", "0777"},
    {"pool_mode", "session"},
    {"max_client_conn", "100"},
    {"default_pool_size", "20"},
    {"min_pool_size", "0"},
    {"reserve_pool_size", "0"},
    {"reserve_pool_timeout", "5"},
    {"max_db_connections", "0"},
    {"max_db_client_connections", "0"},
    {"max_user_connections", "0"},
    {"max_user_client_connections", "0"},
    {"max_prepared_statements", "200"},
    {"auth_type", "md5"},
    {"auth_file", ""},
    {"auth_user", ""},
    {"auth_query", ""},
    {"log_connections", "1"},
    {"log_disconnections", "1"},
    {"verbose", "0"},
    {"admin_users", ""},
    {"stats_users", ""},
    {"server_check_delay", "30"},
    {"server_check_query", "<empty>"},
    {"server_lifetime", "3600"},
    {"server_idle_timeout", "600"},
    {"server_connect_timeout", "15"},
    {"client_login_timeout", "60"},
    {"query_timeout", "0"},
    {"query_wait_timeout", "120"},
    {"client_idle_timeout", "0"},
    {"idle_transaction_timeout", "0"},
    {"client_tls_sslmode", "disable"},
    {"client_tls_key_file", ""},
    {"client_tls_cert_file", ""},
    {"client_tls_ca_file", ""},
    {"server_tls_sslmode", "prefer"},
    {"server_tls_key_file", ""},
    {"server_tls_cert_file", ""},
    {"server_tls_ca_file", ""},
    // not needed
    {"pidfile", "", Fate::unneeded, "Forebay stays in the foreground; what starts it knows its process"},
    {"conffile", "", Fate::unneeded, "--config names the file"},
    {"service_name", "pgbouncer", Fate::unneeded, "for Windows only"},
    {"job_name", "pgbouncer", Fate::unneeded, "for Windows only"},
    {"track_extra_parameters", "IntervalStyle", Fate::unneeded, kState},
    {"ignore_startup_parameters", "", Fate::unneeded, "start-up parameters are carried, none is refused"},
    {"server_reset_query", "DISCARD ALL", Fate::unneeded, kState},
    {"server_reset_query_always", "0", Fate::unneeded, kState},
    {"so_reuseport", "0", Fate::unneeded, kProcessors},
    {"peer_id", "0", Fate::unneeded, kProcessors},
    {"autodb_idle_timeout", "3600", Fate::unneeded, "unused pools are dropped by themselves"},
    {"pool_idle_timeout", "0", Fate::unneeded, "unused pools are dropped by themselves"},
    {"pkt_buf", "4096", Fate::unneeded, kSockets},
    {"max_packet_size", "2147483647", Fate::unneeded, kSockets},
    {"listen_backlog", "128", Fate::unneeded, kSockets},
    {"sbuf_loopcnt", "5", Fate::unneeded, kSockets},
    {"tcp_defer_accept", "1", Fate::unneeded, kSockets},
    {"tcp_socket_buffer", "0", Fate::unneeded, kSockets},
    // lost
    {"logfile", "", Fate::lost, kSyslog},
    {"syslog", "0", Fate::lost, kSyslog},
    {"syslog_ident", "pgbouncer", Fate::lost, kSyslog},
    {"syslog_facility", "daemon", Fate::lost, kSyslog},
    {"log_pooler_errors", "1", Fate::lost, "log.level decides what is logged"},
    {"log_stats", "1", Fate::lost, "ask the console: SHOW STATS"},
    {"stats_period", "60", Fate::lost, kNothing},
    {"user", "", Fate::lost, "start Forebay as that user, for example with User= in a systemd unit"},
    {"unix_socket_group", "", Fate::lost, "set the group of the socket's directory"},
    {"server_round_robin", "0", Fate::lost, "the backend that was used last is used first"},
    {"disable_pqexec", "0", Fate::lost, kNothing},
    {"application_name_add_host", "0", Fate::lost, kNothing},
    {"scram_iterations", "4096", Fate::lost, "the server decides, with scram_iterations of its own"},
    {"auth_hba_file", "", Fate::lost,
     "auth.mode and tls.mode hold for everybody; use the server's pg_hba.conf for more"},
    {"auth_ident_file", "", Fate::lost, "users are not mapped to others"},
    {"auth_dbname", "", Fate::lost, "users are looked up on the server that the client asks for"},
    {"auth_ldap_options", "", Fate::lost, "LDAP is not supported"},
    {"server_fast_close", "0", Fate::lost, kNothing},
    {"server_login_retry", "15", Fate::lost, kNothing},
    {"dns_max_ttl", "15", Fate::lost, kResolving},
    {"dns_nxdomain_ttl", "15", Fate::lost, kResolving},
    {"dns_zone_check_period", "0", Fate::lost, kResolving},
    {"resolv_conf", "", Fate::lost, kResolving},
    {"query_wait_notify", "5", Fate::lost, kNothing},
    {"login_notify_message", "", Fate::lost, kNothing},
    {"cancel_wait_timeout", "10", Fate::lost, kNothing},
    {"suspend_timeout", "10", Fate::lost, "timeouts.shutdown bounds an orderly end"},
    {"transaction_timeout", "0", Fate::lost,
     "timeouts.command bounds a statement, timeouts.idle_in_transaction a pause"},
    {"client_tls_protocols", "secure", Fate::lost, kTlsDetails},
    {"client_tls_ciphers", "default", Fate::lost, kTlsDetails},
    {"client_tls13_ciphers", "", Fate::lost, kTlsDetails},
    {"client_tls_ecdhcurve", "auto", Fate::lost, kTlsDetails},
    {"client_tls_dheparams", "auto", Fate::lost, kTlsDetails},
    {"server_tls_protocols", "secure", Fate::lost, kTlsDetails},
    {"server_tls_ciphers", "default", Fate::lost, kTlsDetails},
    {"server_tls13_ciphers", "", Fate::lost, kTlsDetails},
    {"tcp_keepalive", "1", Fate::lost, kSockets},
    {"tcp_keepcnt", "0", Fate::lost, kSockets},
    {"tcp_keepidle", "0", Fate::lost, kSockets},
    {"tcp_keepintvl", "0", Fate::lost, kSockets},
    {"tcp_user_timeout", "0", Fate::lost, kSockets},
};

constexpr std::string_view kOpensslDefaults[] = {"default", "secure", "fast", "normal"};  // all the same

}  // namespace

bool is_default(const PgbouncerParameter& parameter, std::string_view value) {
  if (parameter.default_value == "default") {
    return std::find(std::begin(kOpensslDefaults), std::end(kOpensslDefaults), value) !=
           std::end(kOpensslDefaults);
  }
  return value == parameter.default_value;
}

const PgbouncerParameter* find_pgbouncer_parameter(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kParameters), std::end(kParameters),
                   [name](const PgbouncerParameter& parameter) { return parameter.name == name; });
  return found == std::end(kParameters) ? nullptr : found;
}

}  // namespace forebay::config
