#include "backend/outbox_sql.hpp"

#include <fmt/format.h>

#include "cache/catalog.hpp"

namespace forebay::backend::outbox {

// One row for each transaction and relation, however many statements there are. SECURITY DEFINER: whoever may
// write to a relation need not be allowed anything here. Logged: a prepared transaction outlives a crash, and
// so has what it has written here.
std::vector<std::string> base_statements() {
  return {
      "CREATE SCHEMA IF NOT EXISTS forebay",
      "CREATE TABLE IF NOT EXISTS forebay.changes (\n"
      "  transaction pg_catalog.xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),\n"
      "  schema_name pg_catalog.name NOT NULL,\n"
      "  relation_name pg_catalog.name NOT NULL,\n"
      "  PRIMARY KEY (transaction, schema_name, relation_name))",
      "CREATE TABLE IF NOT EXISTS forebay.horizon (\n"
      "  id pg_catalog.bool PRIMARY KEY DEFAULT true CHECK (id),\n"
      "  removed_below pg_catalog.xid8 NOT NULL)",
      "INSERT INTO forebay.horizon (removed_below) VALUES ('0') ON CONFLICT DO NOTHING",
      "CREATE OR REPLACE FUNCTION forebay.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER\n"
      "SET search_path = pg_catalog, pg_temp AS $$\n"
      "BEGIN\n"
      "  INSERT INTO forebay.changes (schema_name, relation_name) VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME)\n"
      "  ON CONFLICT DO NOTHING;\n"
      "  RETURN NULL;\n"
      "END $$",
      "REVOKE ALL ON FUNCTION forebay.note_change() FROM PUBLIC",
  };
}

std::vector<std::string> base_removal_statements() {
  return {"DROP FUNCTION IF EXISTS forebay.note_change()", "DROP TABLE IF EXISTS forebay.changes",
          "DROP TABLE IF EXISTS forebay.horizon", "DROP SCHEMA IF EXISTS forebay"};
}

// ENABLE ALWAYS: also for whoever has set session_replication_role to replica.
std::string trigger_statement(std::string_view relation) {
  return fmt::format(
      "DROP TRIGGER IF EXISTS forebay_note_change ON {0};\n"
      "CREATE TRIGGER forebay_note_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {0}\n"
      "  FOR EACH STATEMENT EXECUTE FUNCTION forebay.note_change();\n"
      "ALTER TABLE ONLY {0} ENABLE ALWAYS TRIGGER forebay_note_change",
      relation);
}

std::string trigger_removal_statement(std::string_view relation) {
  return fmt::format("DROP TRIGGER IF EXISTS forebay_note_change ON {}", relation);
}

// A snapshot that was taken on a standby does not show what is under way.
std::string_view facts_question() {
  return R"(SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'an outbox needs the primary'
  ELSE coalesce((
    SELECT CASE WHEN pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
      AND pg_catalog.has_table_privilege(h.oid, 'SELECT') AND pg_catalog.has_table_privilege(h.oid, 'UPDATE')
      THEN '' ELSE 'the upstream''s user may not use the outbox, which another role has installed' END
    FROM pg_catalog.pg_namespace n
      JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
        AND c.relname OPERATOR(pg_catalog.=) 'changes'
      JOIN pg_catalog.pg_class h ON h.relnamespace OPERATOR(pg_catalog.=) n.oid
        AND h.relname OPERATOR(pg_catalog.=) 'horizon'
    WHERE n.nspname OPERATOR(pg_catalog.=) 'forebay'), 'no outbox is installed') END)";
}

std::string_view tables_question() {
  static const std::string question = fmt::format(
      R"(SELECT pg_catalog.concat(pg_catalog.quote_ident(n.nspname::pg_catalog.text), '.',
    pg_catalog.quote_ident(c.relname::pg_catalog.text)), c.relname, n.nspname,
  CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_subscription_rel s WHERE s.srrelid OPERATOR(pg_catalog.=) c.oid)
      THEN 'subscribed'
    WHEN EXISTS (SELECT FROM ({}) t WHERE t.relid OPERATOR(pg_catalog.=) c.oid) THEN 'good'
    WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid
      AND t.tgname OPERATOR(pg_catalog.=) 'forebay_note_change') THEN 'wrong'
    ELSE 'none' END
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{{r,p}}'::pg_catalog."char"[])
  AND c.relpersistence OPERATOR(pg_catalog.=) 'p'
  AND n.nspname OPERATOR(pg_catalog.!~) '^(pg_|information_schema$|forebay$)'
ORDER BY 1)",
      cache::Catalog::outbox_triggers());
  return question;
}

// Rows of transactions that are still to come here were written by another server, and came with a dump.
std::string_view poll_question() {
  return R"(SELECT s.snapshot, s.is_whole, c.relation
FROM (SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot,
    (SELECT h.removed_below OPERATOR(pg_catalog.<=) pg_catalog.pg_snapshot_xmin($1::pg_catalog.pg_snapshot)
        OR h.removed_below OPERATOR(pg_catalog.>) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
      FROM forebay.horizon h) AS is_whole) s
  LEFT JOIN LATERAL (
    SELECT DISTINCT pg_catalog.concat(pg_catalog.quote_ident(x.schema_name::pg_catalog.text), '.',
      pg_catalog.quote_ident(x.relation_name::pg_catalog.text)) AS relation
    FROM forebay.changes x
    WHERE x.transaction OPERATOR(pg_catalog.>=) pg_catalog.pg_snapshot_xmin($1::pg_catalog.pg_snapshot)
      AND x.transaction OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
      AND NOT pg_catalog.pg_visible_in_snapshot(x.transaction, $1::pg_catalog.pg_snapshot)) c ON true)";
}

std::string removal_question() {
  return fmt::format(
      R"(WITH removed AS (
  DELETE FROM forebay.changes WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY(
    SELECT x.ctid FROM forebay.changes x
    WHERE x.transaction OPERATOR(pg_catalog.<) $1::pg_catalog.xid8
      OR x.transaction OPERATOR(pg_catalog.>=) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
    LIMIT {} FOR UPDATE SKIP LOCKED)) RETURNING 1),
horizon AS (
  UPDATE forebay.horizon SET removed_below = $1::pg_catalog.xid8
  WHERE removed_below OPERATOR(pg_catalog.<) $1::pg_catalog.xid8
    OR removed_below OPERATOR(pg_catalog.>) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()))
SELECT (SELECT pg_catalog.count(*) FROM removed),
  pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()))",
      kRemovedAtOnce);
}

}  // namespace forebay::backend::outbox
