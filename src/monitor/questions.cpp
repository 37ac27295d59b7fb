#include "monitor/questions.hpp"

#include <fmt/format.h>

namespace forebay::monitor {

namespace {

using std::chrono::minutes;

/// https://www.postgresql.org/docs/15/predefined-roles.html: pg_monitor is a member of pg_read_all_stats.
constexpr std::string_view kAbout = R"(
SELECT json_build_object(
  'version', current_setting('server_version_num')::int4,
  'version_text', current_setting('server_version'),
  'in_recovery', pg_is_in_recovery(),
  'user', current_user,
  'reads_all_stats', pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
  'started_seconds_ago', extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8,
  'max_connections', current_setting('max_connections')::int4,
  'max_wal_bytes', pg_size_bytes(current_setting('max_wal_size')),
  'work_mem_bytes', pg_size_bytes(current_setting('work_mem')),
  'checkpoint_seconds', extract(epoch FROM current_setting('checkpoint_timeout')::interval)::float8,
  'statements_schema', (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
                        WHERE e.extname = 'pg_stat_statements')))";

/// Who blocks whom is asked of those alone that wait for a lock, and pg_locks is read only when there are
/// any: both hold up others that take locks, for microseconds. To a role that may not see a session, its
/// kind, its state and what it waits for are null. The text is cut here, so that its size is bounded; values
/// leave it when it has come. Connections are what counts towards max_connections, with the one that asks.
constexpr std::string_view kActivity = R"(
WITH session AS MATERIALIZED (
  SELECT *, CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}'::int4[] END AS blockers
  FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND datid IS NOT NULL
    AND coalesce(backend_type, 'client backend') IN ('client backend', 'parallel worker', 'autovacuum worker')),
blocker AS MATERIALIZED (SELECT DISTINCT unnest(blockers) AS pid FROM session),
wanted AS MATERIALIZED (
  SELECT DISTINCT ON (pid) pid, locktype, mode, CASE WHEN database = (
    SELECT oid FROM pg_database WHERE datname = current_database()) THEN relation::regclass::text END AS relation
  FROM pg_locks WHERE (SELECT count(*) FROM blocker) > 0 AND NOT granted ORDER BY pid),
shown AS (
  SELECT s.pid, s.datname AS database, s.usename AS "user", s.application_name AS application,
    host(s.client_addr) AS client, s.backend_type AS kind, s.state, s.wait_event_type, s.wait_event,
    extract(epoch FROM clock_timestamp() - s.backend_start)::float8 AS connected_seconds,
    extract(epoch FROM clock_timestamp() - s.xact_start)::float8 AS transaction_seconds,
    extract(epoch FROM clock_timestamp() - s.query_start)::float8 AS query_seconds,
    extract(epoch FROM clock_timestamp() - s.state_change)::float8 AS state_seconds,
    s.blockers AS blocked_by, b.pid IS NOT NULL AS blocks,
    w.locktype AS lock_type, w.mode AS lock_mode, w.relation AS lock_relation, left(s.query, 4000) AS query
  FROM session s LEFT JOIN blocker b ON b.pid = s.pid LEFT JOIN wanted w ON w.pid = s.pid
  ORDER BY b.pid IS NOT NULL OR cardinality(s.blockers) > 0 DESC, s.state <> 'idle' DESC NULLS LAST,
    s.xact_start NULLS LAST, s.state_change
  LIMIT 200)
SELECT json_build_object(
  'count', (SELECT count(*) FROM session),
  'connections', (SELECT count(*) + 1 FROM session WHERE coalesce(backend_type, 'client backend') = 'client backend'),
  'by_state', (SELECT coalesce(json_agg(t), '[]') FROM (
     SELECT coalesce(state, 'not shown') AS state, count(*) AS count FROM session GROUP BY 1 ORDER BY 1) t),
  'waits', (SELECT coalesce(json_agg(t), '[]') FROM (
     SELECT wait_event_type AS type, wait_event AS event, count(*) AS count FROM session
     WHERE state = 'active' AND wait_event IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 50) t),
  'blocked', (SELECT count(*) FROM session WHERE cardinality(blockers) > 0),
  'longest_transaction_seconds',
    (SELECT max(extract(epoch FROM clock_timestamp() - xact_start))::float8 FROM session
     WHERE coalesce(backend_type, '') <> 'autovacuum worker'),
  'longest_idle_in_transaction_seconds',
    (SELECT max(extract(epoch FROM clock_timestamp() - state_change))::float8 FROM session
     WHERE state LIKE 'idle in transaction%'),
  'prepared_transactions', (SELECT count(*) FROM pg_prepared_xacts),
  'sessions', (SELECT coalesce(json_agg(shown), '[]') FROM shown)))";

/// What `server` is asked but for the checkpoints. A hundred databases with the oldest transactions are told.
constexpr std::string_view kServer = R"(
SELECT json_build_object(
  'databases', (SELECT coalesce(json_agg(t), '[]') FROM (
     SELECT d.datname AS database, age(d.datfrozenxid) AS xid_age, mxid_age(d.datminmxid) AS multixact_age,
       s.numbackends AS sessions, s.xact_commit AS commits, s.xact_rollback AS rollbacks, s.blks_hit AS blocks_hit,
       s.blks_read AS blocks_read, s.temp_files, s.temp_bytes, s.deadlocks, s.conflicts,
       extract(epoch FROM s.stats_reset)::float8 AS counted_since
     FROM pg_database d LEFT JOIN pg_stat_database s ON s.datid = d.oid ORDER BY 2 DESC, 1 LIMIT 100) t),
  'xid_freeze_max_age', current_setting('autovacuum_freeze_max_age')::int8,
  'standbys', (SELECT coalesce(json_agg(t), '[]') FROM (
     SELECT application_name AS standby, host(client_addr) AS client, state, sync_state,
       pg_wal_lsn_diff({0}, replay_lsn)::int8 AS replay_lag_bytes,
       extract(epoch FROM replay_lag)::float8 AS replay_lag_seconds,
       EXISTS (SELECT FROM pg_replication_slots l WHERE l.active_pid = r.pid AND l.slot_type = 'logical') AS logical
     FROM pg_stat_replication r ORDER BY 1, 2 LIMIT 50) t),
  'slots', (SELECT coalesce(json_agg(t), '[]') FROM (
     SELECT slot_name AS slot, slot_type AS type, database, active, wal_status,
       pg_wal_lsn_diff({0}, restart_lsn)::int8 AS retained_bytes
     FROM pg_replication_slots ORDER BY 1 LIMIT 50) t),
  'log_bytes', pg_wal_lsn_diff({0}, '0/0')::int8,
  'checkpoints', (SELECT row_to_json(t) FROM ({1}) t)))";

constexpr std::string_view kHere =
    "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END";
/// https://www.postgresql.org/docs/17/monitoring-stats.html: from 17 on in a view of their own.
constexpr std::string_view kCheckpoints =
    "SELECT checkpoints_timed AS timed, checkpoints_req AS requested, checkpoint_write_time / 1000 AS "
    "write_seconds, "
    "checkpoint_sync_time / 1000 AS sync_seconds, buffers_checkpoint AS buffers FROM pg_stat_bgwriter";
constexpr std::string_view kCheckpointsOf17 =
    "SELECT num_timed AS timed, num_requested AS requested, write_time / 1000 AS write_seconds, "
    "sync_time / 1000 AS sync_seconds, buffers_written AS buffers FROM pg_stat_checkpointer";
constexpr int kVersion17 = 170'000;

constexpr std::string_view kSizes = R"(
SELECT json_build_object('databases', (SELECT coalesce(json_agg(t), '[]') FROM (
  SELECT datname AS database, pg_database_size(oid) AS bytes FROM pg_database
  WHERE has_database_privilege(oid, 'CONNECT') OR pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  ORDER BY 2 DESC LIMIT 100) t)))";

/// Sizes are asked for under a lock of the kind that SELECT takes, so those that somebody holds exclusively
/// are left out; one that is locked in this very moment makes the question fail by lock_timeout.
constexpr std::string_view kLocked = R"(
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
)";

/// Bloat is what the rows would not take if they were written anew: their number and mean width, as ANALYZE
/// has left them, in pages of so many (https://www.postgresql.org/docs/15/storage-page-layout.html: 24 bytes
/// of each page and row, 4 for its pointer, a bit for each column where there are nulls, all in units of 8).
/// What aligns columns within a row is not counted, so it is a few percent too much. Null where no width is
/// known: never analyzed, or the user may not read a column.
constexpr std::string_view kTables = R"(
sized AS MATERIALIZED (
  SELECT s.*, CASE WHEN l.relation IS NULL THEN pg_total_relation_size(s.relid) END AS total
  FROM pg_stat_user_tables s LEFT JOIN locked l ON l.relation = s.relid),
ranked AS MATERIALIZED (
  SELECT *, row_number() OVER (ORDER BY total DESC NULLS FIRST) AS by_size,
    row_number() OVER (ORDER BY seq_tup_read DESC NULLS LAST) AS by_scans,
    row_number() OVER (ORDER BY n_dead_tup DESC NULLS LAST) AS by_dead FROM sized)
SELECT json_build_object(
  'count', (SELECT count(*) FROM sized), 'bytes', (SELECT coalesce(sum(total), 0)::int8 FROM sized),
  'tables', (SELECT coalesce(json_agg(t), '[]') FROM (
     SELECT schemaname AS schema, relname AS "table", total AS total_bytes,
       CASE WHEN total IS NOT NULL THEN pg_table_size(relid) END AS table_bytes,
       CASE WHEN total IS NOT NULL THEN pg_indexes_size(relid) END AS index_bytes,
       seq_scan AS sequential_scans, seq_tup_read AS sequential_rows, idx_scan AS index_scans,
       n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_hot_upd AS hot_updated, n_tup_del AS deleted,
       n_live_tup AS live_rows, n_dead_tup AS dead_rows,
       n_dead_tup::float8 / nullif(n_live_tup + n_dead_tup, 0) AS dead_share,
       bloat.bytes AS bloat_bytes, bloat.bytes::float8 / nullif(bloat.size, 0) AS bloat_share,
       extract(epoch FROM greatest(last_vacuum, last_autovacuum))::float8 AS last_vacuum,
       extract(epoch FROM greatest(last_analyze, last_autoanalyze))::float8 AS last_analyze,
       (SELECT age(c.relfrozenxid) FROM pg_class c WHERE c.oid = relid) AS xid_age
     FROM ranked LEFT JOIN LATERAL (
       SELECT t.size, greatest(0, t.size - t.page * ceil(t.rows / greatest(1, floor((t.page - 24) * t.filled /
           (4 + 8 * ceil((23 + t.null_bytes) / 8.0) + 8 * ceil(t.width / 8.0))))))::int8 AS bytes
       FROM (SELECT pg_relation_size(c.oid) AS size, current_setting('block_size')::float8 AS page,
               c.reltuples AS rows, CASE WHEN w.has_nulls THEN ceil(c.relnatts / 8.0) ELSE 0 END AS null_bytes,
               CASE WHEN c.reltuples = 0 THEN 0
                    WHEN w.columns = (SELECT count(*) FROM pg_attribute a
                                      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
                    THEN w.bytes END AS width,
               coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                         WHERE option_name = 'fillfactor'), 100) / 100 AS filled
             FROM pg_class c, LATERAL (
               SELECT count(*) AS columns, sum((1 - null_frac) * avg_width) AS bytes,
                 bool_or(null_frac > 0) AS has_nulls
               FROM pg_stats p WHERE p.schemaname = ranked.schemaname AND p.tablename = ranked.relname
                 AND NOT p.inherited) w
             WHERE c.oid = relid AND c.reltuples >= 0 AND total IS NOT NULL) t
       WHERE t.width IS NOT NULL) bloat ON true
     WHERE by_size <= 50 OR by_scans <= 25 OR by_dead <= 25 ORDER BY by_size) t)))";

/// Bloat as for tables, of B-trees: 8 bytes for each entry and 4 for its pointer, 4 for nulls, 24 and 16 of
/// each page, nine tenths of which are filled, and a page for the root. Entries that are alike are kept once,
/// of which nothing is known here: with many of them the estimate is too small.
constexpr std::string_view kIndexes = R"(
sized AS MATERIALIZED (
  SELECT s.schemaname, s.relname, s.indexrelname, s.idx_scan, s.idx_tup_read, i.indexrelid,
    i.indisunique, i.indisprimary, i.indisvalid, i.indisexclusion,
    CASE WHEN l.relation IS NULL THEN pg_relation_size(s.indexrelid) END AS bytes
  FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid
    LEFT JOIN locked l ON l.relation IN (s.indexrelid, s.relid)),
ranked AS MATERIALIZED (
  SELECT *, idx_scan = 0 AND indisvalid AND NOT (indisunique OR indisprimary OR indisexclusion) AS is_unused FROM sized)
SELECT json_build_object(
  'count', (SELECT count(*) FROM ranked),
  'unused', (SELECT count(*) FROM ranked WHERE is_unused),
  'unused_bytes', (SELECT coalesce(sum(bytes), 0)::int8 FROM ranked WHERE is_unused),
  'invalid', (SELECT count(*) FROM ranked WHERE NOT indisvalid),
  'counted_since', (SELECT extract(epoch FROM stats_reset)::float8 FROM pg_stat_database
                    WHERE datname = current_database()),
  'indexes', (SELECT coalesce(json_agg(t), '[]') FROM (
     SELECT schemaname AS schema, relname AS "table", indexrelname AS "index", told.bytes, idx_scan AS scans,
       idx_tup_read AS rows_read, indisunique AS "unique", indisvalid AS valid, is_unused AS unused,
       bloat.bytes AS bloat_bytes, bloat.bytes::float8 / nullif(bloat.size, 0) AS bloat_share
     FROM (SELECT * FROM ranked
           ORDER BY is_unused OR NOT indisvalid DESC, bytes DESC NULLS LAST, indexrelname LIMIT 100) told
       LEFT JOIN LATERAL (
       SELECT t.size, greatest(0, t.size - t.page * (1 + ceil(t.rows / greatest(1, floor((t.page - 40) * t.filled /
           (4 + 8 * ceil((8 + t.null_bytes) / 8.0) + 8 * ceil(t.width / 8.0)))))))::int8 AS bytes
       FROM (SELECT told.bytes AS size, current_setting('block_size')::float8 AS page, c.reltuples AS rows,
               CASE WHEN w.has_nulls THEN 4 ELSE 0 END AS null_bytes,
               CASE WHEN c.reltuples = 0 THEN 0 WHEN w.columns = c.relnatts THEN w.bytes END AS width,
               coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions)
                         WHERE option_name = 'fillfactor'), 90) / 100 AS filled
             FROM pg_class c JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree', LATERAL (
               SELECT count(*) AS columns, sum((1 - p.null_frac) * p.avg_width) AS bytes,
                 bool_or(p.null_frac > 0) AS has_nulls
               FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS key (number, place)
                 JOIN pg_stats p ON p.schemaname = told.schemaname AND NOT p.inherited
                   AND p.tablename = CASE WHEN key.number = 0 THEN told.indexrelname ELSE told.relname END
                   AND p.attname = (SELECT a.attname FROM pg_attribute a
                     WHERE CASE WHEN key.number = 0 THEN a.attrelid = i.indexrelid AND a.attnum = key.place
                                ELSE a.attrelid = i.indrelid AND a.attnum = key.number END)
               WHERE i.indexrelid = c.oid) w
             WHERE c.oid = told.indexrelid AND c.reltuples >= 0 AND told.bytes IS NOT NULL) t
       WHERE t.width IS NOT NULL) bloat ON true
     ORDER BY is_unused OR NOT indisvalid DESC, told.bytes DESC NULLS LAST, indexrelname) t)))";

/// The columns are those of version 1.8, which PostgreSQL 13 brings, to 1.11.
constexpr std::string_view kStatements = R"(
SELECT json_build_object('statements', (SELECT coalesce(json_agg(t), '[]') FROM (
  SELECT s.queryid::text AS query_id, r.rolname AS "user", s.calls, s.total_exec_time / 1000 AS total_seconds,
    s.mean_exec_time / 1000 AS mean_seconds, s.max_exec_time / 1000 AS max_seconds, s.rows,
    s.shared_blks_hit AS blocks_hit, s.shared_blks_read AS blocks_read, s.temp_blks_written AS temp_blocks,
    left(s.query, 4000) AS query
  FROM {}.pg_stat_statements s LEFT JOIN pg_roles r ON r.oid = s.userid
  WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  ORDER BY s.total_exec_time DESC LIMIT 20) t)))";

}  // namespace

const std::array<TopicRule, kTopics>& topic_rules() {
  static constexpr std::array<TopicRule, kTopics> kRules = {{
      {Topic::about, "about", Scope::everywhere, minutes(1)},
      {Topic::activity, "activity", Scope::server, Duration(0)},
      {Topic::server, "server", Scope::server, Duration(0)},
      {Topic::sizes, "sizes", Scope::server, minutes(1)},
      {Topic::tables, "tables", Scope::database, minutes(1)},
      {Topic::indexes, "indexes", Scope::database, minutes(1)},
      {Topic::statements, "statements", Scope::database, minutes(1)},
  }};
  return kRules;
}

std::string_view to_text(Topic topic) {
  return topic_rules()[static_cast<std::size_t>(topic)].name;
}

std::string question_for(Topic topic, const About& about) {
  switch (topic) {
    case Topic::about:
      return std::string(kAbout);
    case Topic::activity:
      return std::string(kActivity);
    case Topic::server:
      return fmt::format(kServer, kHere, about.version >= kVersion17 ? kCheckpointsOf17 : kCheckpoints);
    case Topic::sizes:
      return std::string(kSizes);
    case Topic::tables:
      return std::string(kLocked) + std::string(kTables);
    case Topic::indexes:
      return std::string(kLocked) + std::string(kIndexes);
    case Topic::statements:
      return about.statements_schema.empty() ? std::string()
                                             : fmt::format(kStatements, about.statements_schema);
  }
  return {};
}

}  // namespace forebay::monitor
