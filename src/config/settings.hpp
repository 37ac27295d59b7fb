#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace forebay::config {

using Duration = std::chrono::milliseconds;

/// When a backend goes back to its pool: when the client leaves, after each transaction, after each
/// statement.
enum class PoolMode { session, transaction, statement };

/// How a client proves who it is.
enum class AuthMode { scram, md5, password, cert, trust };

/// libpq's sslmode, with its meaning (https://www.postgresql.org/docs/15/libpq-ssl.html, table 34.1).
enum class TlsMode { disable, allow, prefer, require, verify_ca, verify_full };

/// Where we listen: a TCP address or, when `unix_directory` is set, the socket file .s.PGSQL.<port> in it.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 6432;  ///< 0: the system picks a free one
  std::string unix_directory;
};

/// Permissions of a file, as chmod's.
struct FileMode {
  std::uint32_t bits = 0777;
};

/// An amount of memory.
struct ByteSize {
  std::uint64_t bytes = 0;
};

/// TLS towards clients.
struct ClientTls {
  TlsMode mode = TlsMode::disable;  ///< disable, allow/prefer (client chooses), require,
                                    ///< verify_ca/verify_full (client certificate)
  std::string certificate_file;
  std::string key_file;
  std::string ca_file;
};

/// TLS towards a server.
struct ServerTls {
  TlsMode mode = TlsMode::prefer;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
};

/// One PostgreSQL server to forward to.
struct Upstream {
  std::string host =
      "127.0.0.1";  ///< a name, an address, or a directory (Unix socket) when it starts with '/'
  std::uint16_t port = 5432;
  std::string user;      ///< used to look verifiers up and for `forebay`'s own questions; may be empty
  std::string password;  ///< may be empty
  std::string database;  ///< when set, every client gets this database; empty: the name the client asked for
  ServerTls tls;
};

/// A server with a copy of the upstream's databases, kept by streaming replication: same user, password and
/// TLS.
struct Replica {
  std::string host;
  std::uint16_t port = 5432;
  std::uint32_t weight = 1;  ///< its share of the reads, against that of the others
  std::string zone;          ///< where it stands; empty: not said
};

/// What a read may not be older than: what the client itself has written or seen; also what anybody has
/// written through us.
enum class ReadsSee { own, all };

/// What the primary has to do with reads that a replica could answer: only those that no replica may; or its
/// share.
enum class PrimaryReads { last_resort, share };

/// Reads that replicas answer.
struct Routing {
  ReadsSee reads_see = ReadsSee::own;
  PrimaryReads primary_reads = PrimaryReads::last_resort;
  Duration max_lag{5'000};    ///< a replica that is further behind answers nothing
  std::string zone;           ///< reads stay here as long as a server here may answer; empty: anywhere
  std::string upstream_zone;  ///< where the upstream stands
  std::vector<std::string> primary_relations;  ///< what names any of these is the primary's
  std::vector<std::string> primary_users;      ///< so is what these ask
};

/// How the state of the servers is found out, when there is more than one.
struct Health {
  Duration interval{100};       ///< between questions to a server
  Duration timeout{1'000};      ///< without an answer for so long, a question has failed
  std::uint32_t tries = 2;      ///< so many failures in a row, and the server is down
  Duration slow_start{10'000};  ///< within so long a server that is back comes to its full share
};

/// Sizes. Global and exact, whatever the number of threads. 0 in a *_max_* field: no limit of that kind.
struct Limits {
  std::uint32_t pool_size = 20;      ///< backends per pool that are kept
  std::uint32_t pool_overflow = 40;  ///< further backends per pool under load, closed when idle
  std::uint32_t pool_min_size = 0;   ///< backends kept even when idle; at most the size of their pool
  std::uint32_t reserve_size = 0;    ///< further backends per pool for clients that waited `reserve_after`
  std::uint32_t max_clients = 10000;
  std::uint32_t max_backends_per_user = 0;
  std::uint32_t max_backends_per_database = 0;
  std::uint32_t max_clients_per_user = 0;
  std::uint32_t max_clients_per_database = 0;
  std::uint32_t max_prepared_statements = 1000;  ///< kept open on one backend; older ones are closed
};

/// Times. Zero means "never" unless the field says otherwise.
struct Timeouts {
  Duration wait{30'000};  ///< longest wait of a client for a backend
  Duration reserve_after{5'000};
  Duration recycle{3'600'000};      ///< a backend older than this is closed at its next return
  Duration test_after{30'000};      ///< a backend idle for longer is tested before use
  Duration connect{10'000};         ///< opening a backend, login included
  Duration backend_idle{600'000};   ///< a backend beyond pool_min_size idle for longer is closed
  Duration command{0};              ///< longest time a statement may run, enforced by cancel
  Duration statement{0};            ///< statement_timeout set at the start of each session
  Duration idle_in_transaction{0};  ///< idle_in_transaction_session_timeout set likewise
  Duration client_idle{0};          ///< a client idle outside a transaction for longer is closed
  Duration client_login{60'000};    ///< from connect to the end of authentication
  Duration shutdown{30'000};        ///< longest wait for clients at an orderly shutdown
};

/// Who fills again what is no longer in memory: whoever asks for it next; we, when it is about to expire and
/// still asked for; we, also when a write has ended it.
enum class CacheStrategy { cache_aside, refresh_ahead, write_through };

/// Whether there are kept results at all; `automatic`: where the server allows what `CacheLevel::bounded`
/// needs and can spare it, or where a level was chosen.
enum class CacheUse { automatic, on, off };

/// By what kept results are known to be fresh (docs/freshness.md); `best`: by the best that the server
/// allows.
enum class CacheLevel { best, bounded, outbox, ttl };

/// Reads that are answered from memory.
struct Cache {
  CacheUse enabled = CacheUse::automatic;
  CacheLevel level = CacheLevel::best;
  ByteSize size{256ULL << 20};     ///< of all entries of all databases
  ByteSize max_entry{1ULL << 20};  ///< a larger result is not kept
  Duration staleness{1'000};       ///< the bound: how far behind the primary an answer may be
  Duration lifetime{300'000};      ///< of an entry that no write has ended
  Duration min_cost{0};            ///< what took the server less is not kept
  CacheStrategy strategy = CacheStrategy::refresh_ahead;
  std::string warm_file;  ///< what is asked again after a start; empty: nothing
};

/// Whether values of parameters and literals are kept, one call's of each statement: not at all, as what
/// tells nothing but their sizes, or as they are.
enum class Samples { off, masked, on };

/// What is counted of the statements that clients run.
struct Statements {
  bool enabled = true;
  std::uint32_t max = 10'000;  ///< so many are told apart
  bool repetitions = true;     ///< those that repeat within a transaction or alike are told of
  Samples samples = Samples::off;
};

/// How servers would run the statements that are slow.
struct Plans {
  bool enabled = true;
  Duration slower_than{100};  ///< of what takes servers longer, plans are asked for by itself
};

/// What the servers are asked about themselves, in the background.
struct Sampling {
  bool enabled = true;
  Duration interval{10'000};  ///< of the quickest questions, while nobody looks
};

/// Figures over time in the database, besides those in memory.
struct HistoryTable {
  bool keep = false;
  std::string database;  ///< empty: the upstream's own
  std::string schema = "forebay_history";
  std::uint32_t months = 12;  ///< whole ones before the present; what is older is dropped
};

/// What is kept of certain statements, and how long. It fits a statement when each of the first three that is
/// set does.
struct CachePolicy {
  std::vector<std::string> relations;  ///< any of these is read, perhaps through a view
  std::vector<std::string> tags;  ///< any of these is among the tags of its comment; * for any characters
  std::string statement;          ///< its text, whatever its literals
  bool keep = true;
  std::optional<Duration> lifetime;
  std::optional<CacheStrategy> strategy;

  bool operator==(const CachePolicy&) const = default;
};

/// What a database entry or a user entry may set differently. Unset fields inherit.
struct PoolOverride {
  std::optional<PoolMode> pool_mode;
  std::optional<std::uint32_t> pool_size;
  std::optional<std::uint32_t> pool_overflow;
  std::optional<std::uint32_t> pool_min_size;
  std::optional<std::uint32_t> reserve_size;
  std::optional<std::uint32_t> max_backends;
  std::optional<std::uint32_t> max_clients;
  std::optional<Duration> command;
  std::optional<Duration> statement;
  std::optional<Duration> idle_in_transaction;
};

/// A database name that clients may ask for. "*" stands for every name that is not listed. Without any entry
/// every name goes to the main upstream; with entries but without "*" the names that are not listed are
/// refused.
struct Database {
  std::optional<Upstream> upstream;  ///< where it lives; unset: the main upstream
  std::string server_database;       ///< its name on the server; empty: the same name
  PoolOverride pool;
};

/// A role with settings of its own. Roles that are not listed may log in as well.
struct User {
  std::string
      password;  ///< plain text, a SCRAM-SHA-256 verifier, or md5 followed by 32 hex digits; empty: looked up
  PoolOverride pool;
};

enum class LogLevel { debug, info, warning, error };

/// Where administrators and programs that watch ask by HTTP, by TCP only.
struct HttpAddress {
  ListenAddress place;
};

/// What somebody may do by HTTP who has not said who he is.
enum class Anonymous { none, viewer, admin };

/// Words that let in whoever knows one. They are never shown.
struct Tokens {
  std::vector<std::string> words;
};

/// Administration by HTTP.
struct Http {
  std::vector<HttpAddress> listen;             ///< empty: there is none; changes with a restart only
  Anonymous anonymous = Anonymous::viewer;     ///< `none` where another machine can connect
  Tokens viewers;                              ///< may look
  Tokens admins;                               ///< may do everything
  std::map<std::string, std::string> aliases;  ///< further paths, and the path that each is answered as
};

/// What a rule of alerts says. What is not set is as the sets of rules have it, or the default.
struct AlertRule {
  std::string signal;                                  ///< what is watched, see signal.hpp
  std::optional<std::string> info, warning, critical;  ///< thresholds, as the signal's unit is written
  std::optional<Duration> hold;
  std::optional<Duration> resolve_after;
  std::vector<std::string> match;  ///< label=pattern
  std::string description;
  std::optional<bool> enabled;
};

/// The form in which alerts are sent: our own, or that of Alertmanager's API, version 2.
enum class WebhookFormat { forebay, alertmanager };

/// Where alerts are sent by HTTP.
struct Webhook {
  std::string url;  ///< empty: nowhere
  WebhookFormat format = WebhookFormat::forebay;
  Duration timeout{5'000};
  Tokens token;         ///< at most one, sent as a bearer's
  std::string ca_file;  ///< empty: the authorities that the system trusts
};

/// What is watched, while HTTP is served.
struct Alerts {
  std::vector<std::string> rule_sets{"forebay"};
  std::map<std::string, AlertRule> rules;  ///< as they are written; alert_rules.hpp has those in use
  Duration window{60'000};                 ///< rates, ratios and percentiles are of so long
  Webhook webhook;
};

/// Where metrics are sent to by OTLP over HTTP, while HTTP is served.
struct Otlp {
  std::string url;  ///< with the path, /v1/metrics as a rule; empty: nowhere
  Duration interval{15'000};
  Tokens token;         ///< at most one, sent as a bearer's
  std::string ca_file;  ///< empty: the authorities that the system trusts
};

/// One complete configuration. Immutable once published; a reload publishes another.
struct Settings {
  Upstream upstream;
  std::vector<Replica> replicas;      ///< any of them may become the primary
  std::vector<ListenAddress> listen;  ///< empty: 127.0.0.1:6432; changes with a restart only
  /// Of the files of Unix sockets. PostgreSQL's default: who may use them is decided by logging in. Changes
  /// with a restart only.
  FileMode unix_socket_mode;
  std::uint32_t threads = 0;    ///< 0: chosen from the number of processors; changes with a restart only
  std::string takeover_socket;  ///< where `--takeover` finds this process; empty: derived from the port, see
                                ///< docs/operations.md; changes with a restart only
  PoolMode pool_mode = PoolMode::transaction;
  AuthMode auth = AuthMode::scram;
  std::string auth_file;   ///< user list, PgBouncer's format: "name" "secret" per line
  std::string auth_query;  ///< looks a verifier up by name; empty: pg_authid
  ClientTls tls;
  Limits limits;
  Timeouts timeouts;
  Cache cache;
  Statements statements;
  Plans plans;
  Sampling sampling;
  HistoryTable history;
  Routing routing;
  Health health;
  std::map<std::string, Database> databases;
  std::map<std::string, User> users;
  std::map<std::string, CachePolicy> policies;
  std::vector<std::string> admin_users;  ///< may use every console command; empty: the upstream's user
  std::vector<std::string> stats_users;  ///< may use SHOW only
  Http http;
  Alerts alerts;
  Otlp otlp;
  LogLevel log_level = LogLevel::info;
  bool log_connections = false;
};

/// What is configured for a database; null when it is not listed, and no "*" either.
inline const Database* database_entry(const Settings& settings, const std::string& name) {
  auto at = settings.databases.find(name);
  if (at == settings.databases.end()) at = settings.databases.find("*");
  return at == settings.databases.end() ? nullptr : &at->second;
}

/// The name of the entry whose own upstream the database lives on; empty: it lives on the main one.
inline std::string upstream_entry(const Settings& settings, const std::string& database) {
  auto at = settings.databases.find(database);
  if (at == settings.databases.end()) at = settings.databases.find("*");
  return at != settings.databases.end() && at->second.upstream ? at->first : std::string();
}

/// The upstream of such an entry; null when it has none of its own (any more).
inline const Upstream* upstream_of(const Settings& settings, const std::string& entry) {
  if (entry.empty()) return &settings.upstream;
  const auto at = settings.databases.find(entry);
  return at != settings.databases.end() && at->second.upstream ? &*at->second.upstream : nullptr;
}

using SettingsPtr = std::shared_ptr<const Settings>;

}  // namespace forebay::config
