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

std::string trigger_removal_statement(std::string_view trigger, std::string_view relation) {
  return fmt::format("DROP TRIGGER {} ON {}", trigger, relation);
}

// Whoever owns something in the schema, or may make something there, could have code run by all who write,
// and by Forebay.
std::string_view foreign_question() {
  return R"(SELECT coalesce((
    SELECT pg_catalog.concat('the schema forebay, or something in it, belongs to the role ',
      coalesce(o.rolname, 'PUBLIC'),
      ', which is neither ', CURRENT_USER, ' nor a superuser: look at it, and drop it')
    FROM pg_catalog.pg_namespace n
      CROSS JOIN LATERAL (
        SELECT n.nspowner AS owner
        UNION SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid
        UNION SELECT p.proowner FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) n.oid
        UNION SELECT t.typowner FROM pg_catalog.pg_type t WHERE t.typnamespace OPERATOR(pg_catalog.=) n.oid
        UNION SELECT a.grantee FROM pg_catalog.aclexplode(n.nspacl) a
          WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE') x
      LEFT JOIN pg_catalog.pg_roles o ON o.oid OPERATOR(pg_catalog.=) x.owner
    WHERE n.nspname OPERATOR(pg_catalog.=) 'forebay' AND NOT coalesce(o.rolsuper, false)
      AND NOT coalesce(o.rolname OPERATOR(pg_catalog.=) CURRENT_USER, false)
    LIMIT 1), ''))";
}

// A snapshot that was taken on a standby does not show what is under way. Rules, triggers and row security on
// the tables would be somebody else's.
std::string facts_question() {
  return fmt::format(
      R"(SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'an outbox needs the primary'
  WHEN foreigners.why OPERATOR(pg_catalog.<>) '' THEN foreigners.why
  ELSE coalesce((
    SELECT CASE WHEN c.relkind OPERATOR(pg_catalog.<>) 'r' OR h.relkind OPERATOR(pg_catalog.<>) 'r'
        OR c.relpersistence OPERATOR(pg_catalog.<>) 'p' OR h.relpersistence OPERATOR(pg_catalog.<>) 'p'
        OR c.relhasrules OR h.relhasrules OR c.relhastriggers OR h.relhastriggers
        OR c.relrowsecurity OR h.relrowsecurity THEN 'the tables of the outbox have been changed: install it anew'
      WHEN pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
      AND pg_catalog.has_table_privilege(h.oid, 'SELECT') AND pg_catalog.has_table_privilege(h.oid, 'UPDATE')
      THEN '' ELSE 'the upstream''s user may not use the outbox, which another role has installed' END
    FROM pg_catalog.pg_namespace n
      JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
        AND c.relname OPERATOR(pg_catalog.=) 'changes'
      JOIN pg_catalog.pg_class h ON h.relnamespace OPERATOR(pg_catalog.=) n.oid
        AND h.relname OPERATOR(pg_catalog.=) 'horizon'
    WHERE n.nspname OPERATOR(pg_catalog.=) 'forebay'), 'no outbox is installed') END
FROM ({}) foreigners (why))",
      foreign_question());
}

// Whatever they are called, and whatever has become of their tables.
std::string_view triggers_question() {
  return R"(SELECT pg_catalog.quote_ident(t.tgname::pg_catalog.text),
  pg_catalog.concat(pg_catalog.quote_ident(n.nspname::pg_catalog.text), '.',
    pg_catalog.quote_ident(c.relname::pg_catalog.text))
FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid
  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
  JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
  JOIN pg_catalog.pg_namespace o ON o.oid OPERATOR(pg_catalog.=) p.pronamespace
WHERE o.nspname OPERATOR(pg_catalog.=) 'forebay' AND p.proname OPERATOR(pg_catalog.=) 'note_change'
ORDER BY 2, 1)";
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

// What the snapshot did not show: transactions that were running then, and those that came later. Asked so, a
// transaction that is left open costs a look nothing. Rows of transactions that are still to come here were
// written by another server, and came with a dump.
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
    WHERE (x.transaction OPERATOR(pg_catalog.>=) pg_catalog.pg_snapshot_xmax($1::pg_catalog.pg_snapshot)
        AND x.transaction OPERATOR(pg_catalog.<) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()))
      OR x.transaction OPERATOR(pg_catalog.=) ANY (
        ARRAY(SELECT pg_catalog.pg_snapshot_xip($1::pg_catalog.pg_snapshot)))) c ON true)";
}

std::string removal_question() {
  return fmt::format(
      R"(WITH removed AS (
  DELETE FROM forebay.changes WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY(
    SELECT x.ctid FROM forebay.changes x
    WHERE x.transaction OPERATOR(pg_catalog.<) $1::pg_catalog.xid8
      OR x.transaction OPERATOR(pg_catalog.>=) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
    LIMIT {})) RETURNING 1),
horizon AS (
  UPDATE forebay.horizon SET removed_below = $1::pg_catalog.xid8
  WHERE removed_below OPERATOR(pg_catalog.<) $1::pg_catalog.xid8
    OR removed_below OPERATOR(pg_catalog.>) pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()))
SELECT (SELECT pg_catalog.count(*) FROM removed),
  pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()))",
      kRemovedAtOnce);
}

}  // namespace forebay::backend::outbox
