#include "config/option_table.hpp"

#include <fmt/format.h>

#include "config/option_builder.hpp"

/// A field of the settings, for the rows below.
#define FIELD(path)                 \
  [](const Place& place) -> auto& { \
    return place.path;              \
  }

namespace forebay::config {
namespace {

constexpr Range kSizes{0, 100'000};
constexpr Range kPositiveSizes{1, 100'000};
constexpr Range kDurations{0, kLongestDuration};
constexpr Range kCacheSizes{1ULL << 20, 4ULL << 40};
constexpr Range kEntrySizes{1ULL << 10, 1ULL << 30};
constexpr Range kServerDurations{0, 2'147'483'647};  // PostgreSQL keeps its timeouts as int, in milliseconds

/// What an entry of `databases` and of `users` may set differently: the same keys as in the file's own
/// sections.
template <class Access>
void add_overrides(std::vector<Option>& rows, Scope scope, std::string_view whose, Access pool) {
  const bool database = scope == Scope::database;
  const auto add = [&](Option row, auto member) {
    row.scope = scope;
    row.help = fmt::format(fmt::runtime(row.help), whose);
    rows.push_back(bound(
        std::move(row), [ pool, member ](const Place& place) -> auto& { return pool(place).*member; }));
  };
  add({.key = "pool.mode", .help = "As `pool.mode`, for {}.", .pgbouncer = "pool_mode"},
      &PoolOverride::pool_mode);
  add({.key = "pool.size",
       .help = "As `pool.size`, for {}.",
       .pgbouncer = "pool_size",
       .range = kPositiveSizes},
      &PoolOverride::pool_size);
  add({.key = "pool.overflow", .help = "As `pool.overflow`, for {}.", .range = kSizes},
      &PoolOverride::pool_overflow);
  add({.key = "pool.min_size",
       .help = "As `pool.min_size`, for {}.",
       .pgbouncer = database ? "min_pool_size" : "",
       .range = kSizes},
      &PoolOverride::pool_min_size);
  add({.key = "pool.reserve_size",
       .help = "As `pool.reserve_size`, for {}.",
       .pgbouncer = "reserve_pool_size",
       .range = kSizes},
      &PoolOverride::reserve_size);
  add({.key = "limits.max_backends",
       .help = "Most backends of all pools of {} together. 0: no limit.",
       .pgbouncer = database ? "max_db_connections" : "max_user_connections"},
      &PoolOverride::max_backends);
  add({.key = "limits.max_clients",
       .help = "Most clients of {} at a time. 0: no limit.",
       .pgbouncer = database ? "max_db_client_connections" : "max_user_client_connections"},
      &PoolOverride::max_clients);
  add({.key = "timeouts.command",
       .help = "As `timeouts.command`, for {}.",
       .pgbouncer = database ? "" : "query_timeout",
       .range = kDurations},
      &PoolOverride::command);
  add({.key = "timeouts.statement", .help = "As `timeouts.statement`, for {}.", .range = kServerDurations},
      &PoolOverride::statement);
  add({.key = "timeouts.idle_in_transaction",
       .help = "As `timeouts.idle_in_transaction`, for {}.",
       .pgbouncer = database ? "" : "idle_transaction_timeout",
       .range = kServerDurations},
      &PoolOverride::idle_in_transaction);
}

std::vector<Option> main_rows() {
  return {
      bound({.key = "upstream",
             .help = "The PostgreSQL server to forward to. A URL, or a mapping with the keys of an upstream. "
                     "Without a "
                     "database in it, each client gets the database that it asks for.",
             .flag = "--upstream"},
            FIELD(settings->upstream)),
      bound({.key = "replicas",
             .help = "Servers that hold copies of the upstream's databases by streaming replication: "
                     "`HOST[:PORT]`, behind it ` weight=N` for another share of the reads than 1 and ` "
                     "zone=NAME` for where "
                     "it stands. One or several. They answer reads, and one of them may become the primary.",
             .flag = "--replica"},
            FIELD(settings->replicas)),
      bound({.key = "listen",
             .help =
                 "Where applications connect, 127.0.0.1:6432 unless given: `HOST:PORT`, `[IPV6]:PORT` or "
                 "`unix:DIRECTORY[:PORT]`, "
                 "whose socket is the file `.s.PGSQL.PORT` in that directory. One or several. Without a port "
                 "6432, whatever the others have; port 0 lets the system pick a free one.",
             .flag = "--listen",
             .pgbouncer = "listen_addr",
             .needs_restart = true},
            FIELD(settings->listen)),
      bound(
          {.key = "unix_socket_mode",
           .help =
               "Permissions of the files of Unix sockets, in octal digits. 0770 keeps all but the owner and "
               "the group away; with 0777 logging in decides.",
           .pgbouncer = "unix_socket_mode",
           .needs_restart = true},
          FIELD(settings->unix_socket_mode)),
      bound({.key = "threads",
             .help = "Threads that serve clients. 0: chosen from the number of processors.",
             .flag = "--threads",
             .needs_restart = true,
             .range = {0, 256}},
            FIELD(settings->threads)),
      bound({.key = "takeover_socket",
             .help = "The Unix socket through which the next process takes over (`serve --takeover`). Not "
                     "set: forebay.takeover.PORT.sock in the runtime folder.",
             .needs_restart = true},
            FIELD(settings->takeover_socket)),
  };
}

std::vector<Option> pool_rows() {
  return {
      bound({.key = "pool.mode",
             .help = "When a backend goes back to its pool. session: when the client leaves; transaction: "
                     "after each "
                     "transaction; statement: after each statement, which rules transactions of several out.",
             .flag = "--pool-mode",
             .pgbouncer = "pool_mode"},
            FIELD(settings->pool_mode)),
      bound({.key = "pool.size",
             .help = "Backends that a pool keeps. There is one pool for each user and database.",
             .flag = "--pool-size",
             .pgbouncer = "default_pool_size",
             .range = kPositiveSizes},
            FIELD(settings->limits.pool_size)),
      bound({.key = "pool.overflow",
             .help = "Further backends of a pool under load, closed when they are idle.",
             .flag = "--pool-overflow",
             .range = kSizes},
            FIELD(settings->limits.pool_overflow)),
      bound({.key = "pool.min_size",
             .help = "Backends of a pool that stay open however long they are idle. At most `pool.size`.",
             .pgbouncer = "min_pool_size",
             .range = kSizes},
            FIELD(settings->limits.pool_min_size)),
      bound({.key = "pool.reserve_size",
             .help = "Further backends of a pool for clients that have waited for `pool.reserve_after`.",
             .pgbouncer = "reserve_pool_size",
             .range = kSizes},
            FIELD(settings->limits.reserve_size)),
      bound({.key = "pool.reserve_after",
             .help = "How long a client waits before it may have one of the reserve.",
             .pgbouncer = "reserve_pool_timeout",
             .range = kDurations},
            FIELD(settings->timeouts.reserve_after)),
      bound({.key = "pool.max_prepared_statements",
             .help =
                 "Prepared statements that are kept open on one backend; the least recently used are closed.",
             .pgbouncer = "max_prepared_statements",
             .range = {1, 1'000'000}},
            FIELD(settings->limits.max_prepared_statements)),
  };
}

std::vector<Option> limit_rows() {
  return {
      bound({.key = "limits.max_clients",
             .help = "Most clients at a time. 0: no limit.",
             .pgbouncer = "max_client_conn"},
            FIELD(settings->limits.max_clients)),
      bound({.key = "limits.max_clients_per_user",
             .help = "Most clients of one user. 0: no limit.",
             .pgbouncer = "max_user_client_connections"},
            FIELD(settings->limits.max_clients_per_user)),
      bound({.key = "limits.max_clients_per_database",
             .help = "Most clients of one database. 0: no limit.",
             .pgbouncer = "max_db_client_connections"},
            FIELD(settings->limits.max_clients_per_database)),
      bound({.key = "limits.max_backends_per_user",
             .help = "Most backends of one user, over all its pools. 0: no limit.",
             .pgbouncer = "max_user_connections"},
            FIELD(settings->limits.max_backends_per_user)),
      bound({.key = "limits.max_backends_per_database",
             .help = "Most backends of one database, over all its pools. 0: no limit.",
             .pgbouncer = "max_db_connections"},
            FIELD(settings->limits.max_backends_per_database)),
  };
}

std::vector<Option> timeout_rows() {
  return {
      bound({.key = "timeouts.wait",
             .help = "Longest wait of a client for a backend.",
             .pgbouncer = "query_wait_timeout",
             .range = kDurations},
            FIELD(settings->timeouts.wait)),
      bound({.key = "timeouts.connect",
             .help = "Longest time that opening a backend may take, login included, at each address of the "
                     "server's name. Questions of Forebay's own to a server may take as long and are then "
                     "cancelled; a cancel may take as long, and then the connection is given up.",
             .pgbouncer = "server_connect_timeout",
             .range = kDurations},
            FIELD(settings->timeouts.connect)),
      bound({.key = "timeouts.backend_idle",
             .help = "A backend beyond `pool.min_size` that is idle for longer is closed.",
             .pgbouncer = "server_idle_timeout",
             .range = kDurations},
            FIELD(settings->timeouts.backend_idle)),
      bound({.key = "timeouts.recycle",
             .help = "A backend older than this is closed when it next comes back to its pool.",
             .pgbouncer = "server_lifetime",
             .range = kDurations},
            FIELD(settings->timeouts.recycle)),
      bound({.key = "timeouts.test_after",
             .help = "A backend that was idle for longer is tested before it is used.",
             .pgbouncer = "server_check_delay",
             .range = kDurations},
            FIELD(settings->timeouts.test_after)),
      bound({.key = "timeouts.command",
             .help =
                 "Longest time that a statement may run before Forebay cancels it. Looked at once a second.",
             .pgbouncer = "query_timeout",
             .range = kDurations},
            FIELD(settings->timeouts.command)),
      bound({.key = "timeouts.statement",
             .help = "`statement_timeout` that each session starts with.",
             .range = kServerDurations},
            FIELD(settings->timeouts.statement)),
      bound({.key = "timeouts.idle_in_transaction",
             .help = "`idle_in_transaction_session_timeout` that each session starts with.",
             .pgbouncer = "idle_transaction_timeout",
             .range = kServerDurations},
            FIELD(settings->timeouts.idle_in_transaction)),
      bound({.key = "timeouts.client_idle",
             .help =
                 "A client that is idle outside a transaction for longer is closed. Looked at once a second.",
             .pgbouncer = "client_idle_timeout",
             .range = kDurations},
            FIELD(settings->timeouts.client_idle)),
      bound({.key = "timeouts.client_login",
             .help = "Longest time from connecting to the end of authentication. Looked at once a second.",
             .pgbouncer = "client_login_timeout",
             .range = kDurations},
            FIELD(settings->timeouts.client_login)),
      bound({.key = "timeouts.shutdown",
             .help = "Longest wait for clients at an orderly shutdown.",
             .range = kDurations},
            FIELD(settings->timeouts.shutdown)),
  };
}

std::vector<Option> cache_rows() {
  return {
      bound(
          {.key = "cache.enabled",
           .help = "Whether repeated reads are answered from memory. auto: where the server allows the level "
                   "bounded and has replication slots to spare, or a `cache.level` is chosen; the log says "
                   "which databases that are. What a server has to allow is up to `cache.level`.",
           .flag = "--cache",
           .needs_restart = true},
          FIELD(settings->cache.enabled)),
      bound({.key = "cache.level",
             .help = "By what kept results are known to be fresh. bounded: the server's changes are decoded, "
                     "which needs `wal_level = logical` and an upstream's user with REPLICATION. outbox: "
                     "triggers tell, which `forebay outbox install` makes. ttl: by "
                     "nothing but their lifetimes; kept is only what a policy or a comment gives one. auto: "
                     "the best that the server allows, looked for again every half minute.",
             .flag = "--cache-level",
             .needs_restart = true},
            FIELD(settings->cache.level)),
      bound({.key = "cache.size",
             .help = "Most memory that all kept results take together.",
             .flag = "--cache-size",
             .range = kCacheSizes},
            FIELD(settings->cache.size)),
      bound({.key = "cache.max_entry",
             .help = "A result that is larger is not kept. At most `cache.size`.",
             .range = kEntrySizes},
            FIELD(settings->cache.max_entry)),
      bound({.key = "cache.staleness",
             .help = "How far behind the server an answer from memory may be at most, whoever wrote and by "
                     "whatever path. What cannot be proved to be fresher goes to the server.",
             .flag = "--staleness",
             .needs_restart = true,
             .range = {100, kLongestDuration}},
            FIELD(settings->cache.staleness)),
      bound({.key = "cache.lifetime",
             .help = "How long a result is kept that no write has ended.",
             .range = {1, kLongestDuration}},
            FIELD(settings->cache.lifetime)),
      bound({.key = "cache.min_cost",
             .help = "A result that took the server less is not kept.",
             .range = kDurations},
            FIELD(settings->cache.min_cost)),
      bound({.key = "cache.strategy",
             .help = "cache-aside: what is not in memory is asked for when a client wants it. refresh-ahead: "
                     "what is about to expire and still asked for is asked for again before. write-through: "
                     "also what a write has ended, when it had been asked for again."},
            FIELD(settings->cache.strategy)),
      bound({.key = "cache.warm_file",
             .help = "A file that Forebay keeps, with the thousand questions that are answered from memory "
                     "most; after a start they are asked again. It holds values of clients: only its owner "
                     "may read it.",
             .needs_restart = true},
            FIELD(settings->cache.warm_file)),
  };
}

std::vector<Option> statement_rows() {
  return {
      bound({.key = "statements.enabled",
             .help = "Whether it is counted what each statement has come to: `SHOW STATEMENTS`."},
            FIELD(settings->statements.enabled)),
      bound({.key = "statements.max",
             .help = "So many statements each thread tells apart. Beyond, the cheapest make room for new "
                     "ones, and are counted together.",
             .range = {100, 1'000'000}},
            FIELD(settings->statements.max)),
      bound({.key = "statements.repetitions",
             .help = "Whether reads that one could ask for at once, or keep, are looked for: `SHOW "
                     "REPETITIONS`. Only while statements are counted."},
            FIELD(settings->statements.repetitions)),
      bound({.key = "statements.samples",
             .help =
                 "Whether the values of each statement's slowest call are kept, to be shown to "
                 "administrators by HTTP. masked: their sizes alone. Another choice forgets what was kept."},
            FIELD(settings->statements.samples)),
  };
}

std::vector<Option> plan_rows() {
  return {
      bound({.key = "plans.enabled",
             .help = "Whether servers are asked in the background how they run the slow statements, while "
                     "HTTP is served and statements are counted. Nothing is executed for it."},
            FIELD(settings->plans.enabled)),
      bound({.key = "plans.slower_than",
             .help = "Slow is a statement whose calls take servers longer than this: on average, or one in "
                     "twenty.",
             .range = {1, 3'600'000}},
            FIELD(settings->plans.slower_than)),
  };
}

std::vector<Option> sampling_rows() {
  return {
      bound({.key = "sampling.enabled",
             .help = "Whether the servers are asked in the background what they do, hold and wait for, while "
                     "HTTP is served and the upstream's URL names a user."},
            FIELD(settings->sampling.enabled)),
      bound({.key = "sampling.interval",
             .help = "How often, while nobody looks. Sizes are asked for every minute at most, and each "
                     "question takes a hundredth of the time at most.",
             .range = {1'000, 3'600'000}},
            FIELD(settings->sampling.interval)),
  };
}

std::vector<Option> history_rows() {
  return {
      bound({.key = "history.keep",
             .help = "Whether figures over time are written into the primary's database as well, in a table "
                     "with a partition a month, while HTTP is served and the upstream's URL names a user. "
                     "See docs/database.md."},
            FIELD(settings->history.keep)),
      bound({.key = "history.database",
             .help = "The database that they are written into. Not set: the upstream's own."},
            FIELD(settings->history.database)),
      bound({.key = "history.schema",
             .help = "The schema of that table: small letters, digits and `_`. It is created when it is "
                     "not there."},
            FIELD(settings->history.schema)),
      bound({.key = "history.months",
             .help = "How many whole months are kept before the present one. Partitions of older ones are "
                     "dropped.",
             .range = {1, 120}},
            FIELD(settings->history.months)),
  };
}

std::vector<Option> routing_rows() {
  return {
      bound({.key = "routing.reads_see",
             .help = "What a read may not be older than. own: what its client has written and seen; all: "
                     "also what anybody has written through Forebay, as without replicas."},
            FIELD(settings->routing.reads_see)),
      bound(
          {.key = "routing.primary_reads",
           .help = "Which of the reads that replicas could answer the primary does. last-resort: those that "
                   "no replica is fresh enough for; share: as many as a replica of weight 1, too."},
          FIELD(settings->routing.primary_reads)),
      bound({.key = "routing.max_lag",
             .help = "A replica that is further behind the primary answers nothing.",
             .range = {1, kLongestDuration}},
            FIELD(settings->routing.max_lag)),
      bound({.key = "routing.zone",
             .help = "Where this Forebay stands. Reads stay with servers of this zone (` zone=NAME` of a "
                     "replica) as long as one may answer; empty: all servers are alike."},
            FIELD(settings->routing.zone)),
      bound({.key = "routing.upstream_zone", .help = "Where the upstream stands, for when it is a replica."},
            FIELD(settings->routing.upstream_zone)),
      bound({.key = "routing.primary_relations",
             .help = "Reads that name any of these tables or views, written without their schema, go to the "
                     "primary."},
            FIELD(settings->routing.primary_relations)),
      bound({.key = "routing.primary_users", .help = "Reads of these users go to the primary."},
            FIELD(settings->routing.primary_users)),
      bound({.key = "health.interval",
             .help = "How often each server is asked how it is. A client's read may go to a replica about so "
                     "long after its write.",
             .range = {10, 3'600'000}},
            FIELD(settings->health.interval)),
      bound({.key = "health.timeout",
             .help = "An attempt to ask a server has failed when it takes longer.",
             .range = {10, 3'600'000}},
            FIELD(settings->health.timeout)),
      bound({.key = "health.tries",
             .help = "After so many failures in a row a server is down.",
             .range = {1, 100}},
            FIELD(settings->health.tries)),
      bound({.key = "health.slow_start",
             .help = "A server that is back takes so long to come to its full share of the reads.",
             .range = kDurations},
            FIELD(settings->health.slow_start)),
  };
}

std::vector<Option> access_rows() {
  return {
      bound({.key = "auth.mode",
             .help = "How a client proves who it is. scram, md5: a password that is not sent; password: one "
                     "that is sent "
                     "as it is; cert: a TLS certificate that names the user; trust: not at all, on this "
                     "machine only.",
             .flag = "--auth",
             .pgbouncer = "auth_type"},
            FIELD(settings->auth)),
      bound({.key = "auth.file",
             .help = "User list in PgBouncer's format: `\"name\" \"secret\"` per line. Users that are not in "
                     "it are "
                     "looked up on the server.",
             .flag = "--auth-file",
             .pgbouncer = "auth_file",
             .kind = Kind::file},
            FIELD(settings->auth_file)),
      bound({.key = "auth.query",
             .help =
                 "Query that looks a user up on the server: `$1` is the name, the result one row of name and "
                 "secret. Empty: pg_authid, which the upstream's user has to be allowed to read.",
             .pgbouncer = "auth_query"},
            FIELD(settings->auth_query)),
      bound({.key = "tls.mode",
             .help = "TLS towards clients. allow, prefer: the client chooses; require: always; verify-ca, "
                     "verify-full: "
                     "always, with a client certificate that `tls.ca` signed.",
             .flag = "--tls",
             .pgbouncer = "client_tls_sslmode"},
            FIELD(settings->tls.mode)),
      bound({.key = "tls.certificate",
             .help = "Forebay's own certificate (PEM), with the chain after it.",
             .flag = "--tls-cert",
             .pgbouncer = "client_tls_cert_file",
             .kind = Kind::file},
            FIELD(settings->tls.certificate_file)),
      bound({.key = "tls.key",
             .help = "The private key of `tls.certificate` (PEM).",
             .flag = "--tls-key",
             .pgbouncer = "client_tls_key_file",
             .kind = Kind::file},
            FIELD(settings->tls.key_file)),
      bound({.key = "tls.ca",
             .help = "The authorities whose client certificates are accepted (PEM).",
             .flag = "--tls-ca",
             .pgbouncer = "client_tls_ca_file",
             .kind = Kind::file},
            FIELD(settings->tls.ca_file)),
  };
}

std::vector<Option> console_rows() {
  return {
      bound({.key = "admin.users",
             .help = "Users that may run every command of the console. Not set: the upstream's user.",
             .pgbouncer = "admin_users"},
            FIELD(settings->admin_users)),
      bound({.key = "admin.stats_users",
             .help = "Users that may run SHOW in the console, and nothing else.",
             .pgbouncer = "stats_users"},
            FIELD(settings->stats_users)),
      bound(
          {.key = "http.listen",
           .help = "Where administrators, Prometheus and health checks ask by HTTP: `HOST:PORT` or "
                   "`[IPV6]:PORT`, "
                   "one or several; without a port 9187. Not set: nowhere. Addresses that other machines can "
                   "reach need tokens, or TLS and users that may use the console. See docs/monitoring.md.",
           .flag = "--admin",
           .needs_restart = true},
          FIELD(settings->http.listen)),
      bound(
          {.key = "http.anonymous",
           .help = "What somebody of this machine may do by HTTP who does not say who he is: nothing but ask "
                   "whether the process is alive and ready; look; or everything. Others never may more than "
                   "ask that."},
          FIELD(settings->http.anonymous)),
      bound({.key = "http.viewer_tokens",
             .help = "Secret words of at least 16 characters. Who sends one (`Authorization: Bearer …`) may "
                     "look, as `admin.stats_users` may."},
            FIELD(settings->http.viewers)),
      bound({.key = "http.admin_tokens",
             .help = "Likewise, for those who may do everything, as `admin.users` may."},
            FIELD(settings->http.admins)),
      bound({.key = "log.level",
             .help = "The least important messages that are logged, on standard error.",
             .flag = "--log-level"},
            FIELD(settings->log_level)),
      bound({.key = "log.connections",
             .help = "Log every client that connects and leaves.",
             .pgbouncer = "log_connections"},
            FIELD(settings->log_connections)),
  };
}

std::vector<Option> database_rows() {
  std::vector<Option> rows = {
      bound({.scope = Scope::database,
             .key = "upstream",
             .help = "The server where the database lives, written as the main `upstream`. Not set: the main "
                     "upstream."},
            FIELD(database->upstream)),
      bound({.scope = Scope::database,
             .key = "database",
             .help = "The name of the database on the server. Not set: the same name.",
             .pgbouncer = "dbname"},
            FIELD(database->server_database)),
  };
  add_overrides(rows, Scope::database, "this database", FIELD(database->pool));
  return rows;
}

std::vector<Option> user_rows() {
  std::vector<Option> rows = {
      bound({.scope = Scope::user,
             .key = "password",
             .help = "The password, a SCRAM-SHA-256 verifier or an md5 hash, as pg_authid holds them. Not "
                     "set: looked "
                     "up in `auth.file`, then on the server.",
             .kind = Kind::secret},
            FIELD(user->password)),
  };
  add_overrides(rows, Scope::user, "this user", FIELD(user->pool));
  return rows;
}

std::vector<Option> policy_rows() {
  return {
      bound({.scope = Scope::policy,
             .key = "relations",
             .help = "Fits statements that read any of these tables, with or without their schema, also "
                     "through a view; or that "
                     "name any of these views."},
            FIELD(policy->relations)),
      bound(
          {.scope = Scope::policy,
           .key = "tags",
           .help =
               "Fits statements whose comment gives them any of these tags. `*` stands for any characters."},
          FIELD(policy->tags)),
      bound({.scope = Scope::policy,
             .key = "statement",
             .help = "Fits this text, whatever its white space, comments and literals; or a text that SHOW "
                     "STATEMENTS tells, with parameters in the place of literals. Capitals, and a `;` at the "
                     "end, make it another one."},
            FIELD(policy->statement)),
      bound({.scope = Scope::policy, .key = "keep", .help = "Whether results are kept at all."},
            FIELD(policy->keep)),
      bound({.scope = Scope::policy,
             .key = "lifetime",
             .help = "How long a result is kept that no write has ended. Of several policies that fit, the "
                     "shortest holds.",
             .range = {1, kLongestDuration}},
            FIELD(policy->lifetime)),
      bound({.scope = Scope::policy,
             .key = "strategy",
             .help = "As `cache.strategy`. Of several policies that fit, the one that does most holds."},
            FIELD(policy->strategy)),
  };
}

std::vector<Option> otlp_rows() {
  return {
      bound({.key = "otlp.url",
             .help = "Where metrics are sent to in OpenTelemetry's form (OTLP over HTTP, JSON), http:// or "
                     "https:// with the path, such as http://127.0.0.1:4318/v1/metrics. Not set: nowhere."},
            FIELD(settings->otlp.url)),
      bound({.key = "otlp.interval", .help = "How often they are sent.", .range = {1'000, 3'600'000}},
            FIELD(settings->otlp.interval)),
      bound({.key = "otlp.token",
             .help = "A secret word of at least 16 characters that is sent with them (`Authorization: Bearer "
                     "…`)."},
            FIELD(settings->otlp.token)),
      bound({.key = "otlp.ca",
             .help = "The authorities that may have signed the receiver's certificate (PEM). Not set: those "
                     "that the system trusts.",
             .kind = Kind::file},
            FIELD(settings->otlp.ca_file)),
  };
}

std::vector<Option> alert_rows() {
  std::vector<Option> rows = {
      bound({.key = "alerts.rule_sets",
             .help = "Sets of rules that Forebay comes with, of which later ones are laid over earlier ones: "
                     "`forebay`, and one of each profile. An empty list: none."},
            FIELD(settings->alerts.rule_sets)),
      bound({.key = "alerts.window",
             .help = "Rates, ratios and percentiles are those of so long. Also in what `forebay generate "
                     "prometheus-rules` makes: at least four times Prometheus' scrape_interval.",
             .range = {10'000, 3'600'000}},
            FIELD(settings->alerts.window)),
      bound({.key = "alerts.webhook.url",
             .help = "Where alerts are sent to by HTTP, http:// or https://; for `alertmanager` its address, "
                     "without /api/v2/alerts. Not set: nowhere."},
            FIELD(settings->alerts.webhook.url)),
      bound({.key = "alerts.webhook.format",
             .help = "Forebay's own form, or that of Alertmanager's API, version 2."},
            FIELD(settings->alerts.webhook.format)),
      bound({.key = "alerts.webhook.timeout",
             .help = "For one attempt to send alerts.",
             .range = {100, 60'000}},
            FIELD(settings->alerts.webhook.timeout)),
      bound(
          {.key = "alerts.webhook.token",
           .help =
               "A secret word of at least 16 characters that is sent with them (`Authorization: Bearer …`)."},
          FIELD(settings->alerts.webhook.token)),
      bound({.key = "alerts.webhook.ca",
             .help =
                 "The authorities that may have signed the receiver's certificate (PEM). Not set: those that "
                 "the system trusts.",
             .kind = Kind::file},
            FIELD(settings->alerts.webhook.ca_file)),
  };
  // What is written is all there is: lists are read by adding to what is there, and here that is not nothing.
  rows.front().reset = [](const Place& place) { place.settings->alerts.rule_sets.clear(); };
  return rows;
}

std::vector<Option> rule_rows() {
  return {
      bound({.scope = Scope::rule,
             .key = "signal",
             .help = "What is watched: one of those that docs/alerts.md lists."},
            FIELD(rule->signal)),
      bound({.scope = Scope::rule,
             .key = "info",
             .help = "Beyond this there is an alert of level info. Written as the signal's unit is: `80%`, "
                     "`500ms`, `10`, `1MB/h`, `true`. Signals of which less is worse are beyond it when they "
                     "are below."},
            FIELD(rule->info)),
      bound({.scope = Scope::rule, .key = "warning", .help = "Likewise of level warning."},
            FIELD(rule->warning)),
      bound({.scope = Scope::rule, .key = "critical", .help = "Likewise of level critical."},
            FIELD(rule->critical)),
      bound({.scope = Scope::rule,
             .key = "for",
             .help = "Beyond a threshold for so long without a pause, and there is an alert. 0: at once. Not "
                     "set: 1min.",
             .range = kDurations},
            FIELD(rule->hold)),
      bound(
          {.scope = Scope::rule,
           .key = "resolve_after",
           .help = "Not beyond it for so long without a pause, and the alert is resolved. Not set: as `for`.",
           .range = kDurations},
          FIELD(rule->resolve_after)),
      bound({.scope = Scope::rule,
             .key = "match",
             .help = "Only values whose labels fit: `database=shop`, `server=*.example:5432`. `*` stands for "
                     "any characters; all of them have to fit."},
            FIELD(rule->match)),
      bound({.scope = Scope::rule,
             .key = "description",
             .help = "What it means, for people. Not set: what the signal is."},
            FIELD(rule->description)),
      bound({.scope = Scope::rule, .key = "enabled", .help = "`false` turns a rule of a set off."},
            FIELD(rule->enabled)),
  };
}

std::vector<Option> upstream_rows() {
  return {
      bound(
          {.scope = Scope::upstream,
           .key = "url",
           .help = "All of it as a URL. The other keys are laid over it: a password with any character in it "
                   "is best "
                   "given apart."},
          [](const Place& place) -> auto& { return *place.upstream; }),
      bound({.scope = Scope::upstream,
             .key = "host",
             .help = "Name or address of the server, or the directory of its Unix socket.",
             .url_parameter = "host"},
            FIELD(upstream->host)),
      bound({.scope = Scope::upstream,
             .key = "port",
             .help = "Its port.",
             .url_parameter = "port",
             .range = {1, 65535}},
            FIELD(upstream->port)),
      bound({.scope = Scope::upstream,
             .key = "user",
             .help = "The role for Forebay's own questions to the server: who may log in, and with what.",
             .url_parameter = "user",
             .pgbouncer = "auth_user"},
            FIELD(upstream->user)),
      bound({.scope = Scope::upstream,
             .key = "password",
             .help = "Its password.",
             .url_parameter = "password",
             .kind = Kind::secret},
            FIELD(upstream->password)),
      bound({.scope = Scope::upstream,
             .key = "database",
             .help = "When set, every client gets this database, whatever name it asks for.",
             .url_parameter = "dbname",
             .pgbouncer = "dbname"},
            FIELD(upstream->database)),
      bound({.scope = Scope::upstream,
             .key = "tls.mode",
             .help = "libpq's sslmode, with its meaning. As there, require checks the server's certificate "
                     "when a CA "
                     "is given (verify-ca).",
             .url_parameter = "sslmode",
             .pgbouncer = "server_tls_sslmode"},
            FIELD(upstream->tls.mode)),
      bound({.scope = Scope::upstream,
             .key = "tls.ca",
             .help = "The authorities that may have signed the server's certificate (PEM).",
             .url_parameter = "sslrootcert",
             .pgbouncer = "server_tls_ca_file",
             .kind = Kind::file},
            FIELD(upstream->tls.ca_file)),
      bound({.scope = Scope::upstream,
             .key = "tls.certificate",
             .help = "Forebay's certificate towards the server (PEM).",
             .url_parameter = "sslcert",
             .pgbouncer = "server_tls_cert_file",
             .kind = Kind::file},
            FIELD(upstream->tls.certificate_file)),
      bound({.scope = Scope::upstream,
             .key = "tls.key",
             .help = "The private key of that certificate (PEM).",
             .url_parameter = "sslkey",
             .pgbouncer = "server_tls_key_file",
             .kind = Kind::file},
            FIELD(upstream->tls.key_file)),
  };
}

}  // namespace

std::vector<Option> option_rows() {
  std::vector<Option> rows;
  for (auto* make : {main_rows, pool_rows, limit_rows, timeout_rows, cache_rows, statement_rows, plan_rows,
                     sampling_rows, history_rows, routing_rows, access_rows, console_rows, otlp_rows,
                     alert_rows, database_rows, user_rows, policy_rows, rule_rows, upstream_rows}) {
    for (Option& row : make()) rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Section> section_rows() {
  return {
      {"pool", "How backends are shared.", {}},
      {"limits",
       "How many clients and backends there may be. All limits are exact, whatever the number of threads.",
       {}},
      {"timeouts",
       "How long things may take: `250ms`, `30s`, `5min`, `1h`, `7d`, or several in a row. 0: never.",
       {}},
      {"cache", "Reads that are answered from memory. See docs/freshness.md.", {}},
      {"statements", "What is counted of the statements that clients run. See docs/statements.md.", {}},
      {"plans", "How servers run what is slow. See docs/statements.md.", {}},
      {"sampling", "What the servers are asked about themselves. See docs/database.md.", {}},
      {"history", "Figures over time in the database. See docs/database.md.", {}},
      {"routing", "Which server answers a read, where there are replicas.", {}},
      {"health", "How the state of the servers is found out, where there are replicas.", {}},
      {"auth", "How clients log in.", {}},
      {"tls", "TLS towards clients. TLS towards the server is part of `upstream`.", {}},
      {"admin", "Who may use the console: connect to the database `forebay` with psql.", {}},
      {"http", "Administration, metrics and health by HTTP. See docs/monitoring.md.", {}},
      {"log", "What is logged.", {}},
      {"alerts", "What is watched while HTTP is served, and who is told. See docs/alerts.md.", {}},
      {"databases",
       "The database names that clients may ask for. When there is any, others are refused, unless `\"*\"` "
       "is one of "
       "them: it stands for all that are not named. An entry is a mapping, an upstream's URL, or empty.",
       Scope::database},
      {"users", "Users with settings of their own. Others may log in as well.", Scope::user},
      {"policies",
       "What is kept in memory of certain statements, and how long, by names of your own. A policy fits a "
       "statement when each of `relations`, `tags` and `statement` that it has does.",
       Scope::policy},
      {"http.aliases",
       "Further paths, each with the built-in path that it is answered as, with or without parameters: "
       "`/metrics/database: /api/v1/database`. They take the methods of what they stand for, and are for "
       "whoever "
       "may ask for that. Parameters of a request come behind those of its alias.",
       Scope::alias},
      {"alerts.rules",
       "Rules by names of your own. One with the name of a rule of a set is laid over that: it need say only "
       "what "
       "is to differ.",
       Scope::rule},
  };
}

}  // namespace forebay::config
