#include "cache/catalog_question.hpp"

#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace forebay::cache {

// 16384 is FirstNormalObjectId: what is below came with initdb. Types: bool 16, int8 20, int2 21, int4 23,
// text 25, varchar 1043, date 1082, time 1083 (array 1183), timestamp 1114, timestamptz 1184, interval 1186,
// timetz 1266 (array 1270), cstring 2275, internal 2281, uuid 2950. Classes for pg_depend: pg_proc 1255,
// pg_attrdef 2604, pg_constraint 2606.
//
// The stable functions that are listed depend on nothing but their arguments and on settings. The whole of a
// name counts, so age() is not there: with one argument it counts from today. Functions that take a timetz
// are out where a text or a time would become one: that takes the day's offset from UTC. The names of WAL
// files, called immutable, change with the timeline.
//
// 2 is heap among access methods: of what others store, it is not known whether the change stream tells. Of
// citus and timescaledb it is known that it does not tell of it by the table's name.
//
// pg_get_viewdef() locks the view and what it reads against being dropped, and so waits for those who do
// that.
//
// 60 is the type of a trigger that runs after each INSERT, UPDATE, DELETE and TRUNCATE statement
// (TRIGGER_TYPE_… in catalog/pg_trigger.h); A: whatever session_replication_role is.
std::string_view outbox_triggers() {
  return R"(
  SELECT t.tgrelid AS relid, t.oid AS trigger
  FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
  WHERE n.nspname OPERATOR(pg_catalog.=) 'forebay' AND p.proname OPERATOR(pg_catalog.=) 'note_change'
    AND p.prosecdef AND t.tgtype OPERATOR(pg_catalog.=) 60 AND t.tgenabled OPERATOR(pg_catalog.=) 'A'
    AND t.tgqual IS NULL AND t.tgattr::pg_catalog.text OPERATOR(pg_catalog.=) '')";
}

namespace {

constexpr std::string_view kCatalogQuestion = R"(,
space AS (
  SELECT oid, nspname,
    nspname OPERATOR(pg_catalog.=) ANY ('{pg_catalog,information_schema}'::pg_catalog.name[]) AS of_system
  FROM pg_catalog.pg_namespace
  WHERE nspname OPERATOR(pg_catalog.!~) '^pg_(toast$|toast_temp_|temp_)'),
relation AS (
  SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relreplident, c.relispartition,
    c.relam, space.nspname, space.of_system
  FROM pg_catalog.pg_class c JOIN space ON space.oid OPERATOR(pg_catalog.=) c.relnamespace
  WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog."char"[])
    AND c.relpersistence OPERATOR(pg_catalog.<>) 't'),
made_of_times AS (
  SELECT EXISTS (
    SELECT FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
    WHERE c.relkind OPERATOR(pg_catalog.=) 'c'
      AND a.atttypid OPERATOR(pg_catalog.=) ANY ('{1083,1183,1266,1270}'::pg_catalog.oid[]))
  OR EXISTS (
    SELECT FROM pg_catalog.pg_type t
    WHERE t.typbasetype OPERATOR(pg_catalog.=) ANY ('{1083,1183,1266,1270}'::pg_catalog.oid[]))
  OR EXISTS (
    SELECT FROM pg_catalog.pg_range r
    WHERE r.rngsubtype OPERATOR(pg_catalog.=) ANY ('{1083,1266}'::pg_catalog.oid[])) AS any_type),
times AS (
  SELECT a.attrelid,
    pg_catalog.bool_or(a.atttypid OPERATOR(pg_catalog.<>) ALL ('{1083,1183}'::pg_catalog.oid[])) AS with_zone
  FROM pg_catalog.pg_attribute a CROSS JOIN made_of_times
  WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
    AND (a.atttypid OPERATOR(pg_catalog.=) ANY ('{1083,1183,1266,1270}'::pg_catalog.oid[])
      OR (made_of_times.any_type AND a.atttypid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid))
  GROUP BY a.attrelid),
key AS (
  SELECT i.indrelid, a.attname, a.atttypid
  FROM pg_catalog.pg_index i
    JOIN relation c ON c.oid OPERATOR(pg_catalog.=) i.indrelid
    JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid
      AND a.attnum OPERATOR(pg_catalog.=) i.indkey[0]
    LEFT JOIN pg_catalog.pg_collation l ON l.oid OPERATOR(pg_catalog.=) a.attcollation
  WHERE i.indisprimary AND i.indisvalid AND i.indimmediate AND i.indnkeyatts OPERATOR(pg_catalog.=) 1
    AND c.relkind OPERATOR(pg_catalog.=) 'r' AND NOT c.relispartition
    AND c.relreplident OPERATOR(pg_catalog.=) 'd'
    AND a.attgenerated OPERATOR(pg_catalog.=) ''
    AND (a.atttypid OPERATOR(pg_catalog.=) ANY ('{20,21,23,2950}'::pg_catalog.oid[])
      OR (a.atttypid OPERATOR(pg_catalog.=) ANY ('{25,1043}'::pg_catalog.oid[]) AND l.collisdeterministic))),
-- What tells whoever writes one row of others: they conflict, or are referred to.
connects_rows AS (
  SELECT indrelid AS relid FROM pg_catalog.pg_index
  WHERE (indisunique OR indisexclusion) AND NOT indisprimary
  UNION SELECT conrelid FROM pg_catalog.pg_constraint
  WHERE contype OPERATOR(pg_catalog.=) 'f' AND conrelid OPERATOR(pg_catalog.=) confrelid),
-- Code that runs on writes: triggers, rules, and defaults, checks and policies that call volatile functions.
runs_code AS (
  SELECT tgrelid AS relid FROM pg_catalog.pg_trigger
  WHERE NOT tgisinternal AND tgenabled OPERATOR(pg_catalog.<>) 'D'
    AND oid OPERATOR(pg_catalog.<>) ALL (SELECT trigger FROM outbox)
  UNION SELECT ev_class FROM pg_catalog.pg_rewrite WHERE rulename OPERATOR(pg_catalog.<>) '_RETURN'
  UNION SELECT coalesce(f.adrelid, k.conrelid, y.polrelid)
  FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) d.refobjid
    JOIN pg_catalog.pg_language g ON g.oid OPERATOR(pg_catalog.=) p.prolang
    LEFT JOIN pg_catalog.pg_attrdef f
      ON d.classid OPERATOR(pg_catalog.=) 2604::pg_catalog.oid AND f.oid OPERATOR(pg_catalog.=) d.objid
    LEFT JOIN pg_catalog.pg_constraint k
      ON d.classid OPERATOR(pg_catalog.=) 2606::pg_catalog.oid AND k.oid OPERATOR(pg_catalog.=) d.objid
    LEFT JOIN pg_catalog.pg_policy y
      ON d.classid OPERATOR(pg_catalog.=) 3256::pg_catalog.oid AND y.oid OPERATOR(pg_catalog.=) d.objid
  WHERE d.refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND p.provolatile OPERATOR(pg_catalog.=) 'v'
    AND g.lanname OPERATOR(pg_catalog.<>) ALL ('{c,internal}'::pg_catalog.name[])),
unknown_aggregate AS (
  SELECT DISTINCT a.aggfnoid::pg_catalog.oid AS oid
  FROM pg_catalog.pg_aggregate a
    CROSS JOIN LATERAL pg_catalog.unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
      a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::pg_catalog.oid[]) part (oid)
    JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) part.oid
  WHERE p.provolatile OPERATOR(pg_catalog.<>) 'i'),
function AS (
  SELECT p.oid, p.proname, p.prorettype, p.pronargs, p.pronargdefaults, p.proargtypes,
    p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AS of_users,
    CASE WHEN p.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid THEN
      (p.provolatile OPERATOR(pg_catalog.=) 'i'
        AND p.proname OPERATOR(pg_catalog.<>)
          ALL ('{pg_walfile_name,pg_walfile_name_offset}'::pg_catalog.name[]))
      OR (p.provolatile OPERATOR(pg_catalog.=) 's' AND p.proname OPERATOR(pg_catalog.=) ANY (
        '{array_to_json,array_to_string,concat,concat_ws,convert,convert_from,convert_to,date_part,date_trunc,
          enum_first,enum_last,enum_range,extract,format,generate_series,json_agg,json_build_array,
          json_build_object,json_object_agg,json_to_tsvector,jsonb_agg,jsonb_build_array,jsonb_build_object,
          jsonb_object_agg,jsonb_path_exists_tz,jsonb_path_match_tz,jsonb_path_query_array_tz,
          jsonb_path_query_first_tz,jsonb_path_query_tz,jsonb_to_tsvector,length,make_timestamptz,overlaps,
          phraseto_tsquery,plainto_tsquery,quote_literal,quote_nullable,row_to_json,timezone,to_char,to_date,
          to_json,to_jsonb,to_number,to_timestamp,to_tsquery,to_tsvector,ts_headline,ts_match_tq,ts_match_tt,
          websearch_to_tsquery}'::pg_catalog.name[]))
    ELSE
      p.provolatile OPERATOR(pg_catalog.=) 'i' AND p.prokind OPERATOR(pg_catalog.<>) 'p'
      AND (p.proargdefaults IS NULL
        OR p.proargdefaults::pg_catalog.text OPERATOR(pg_catalog.!~) '\{(?!(CONST|RELABELTYPE) )')
      AND u.oid IS NULL
    END AS is_known
  FROM pg_catalog.pg_proc p LEFT JOIN unknown_aggregate u ON u.oid OPERATOR(pg_catalog.=) p.oid),
named AS (
  SELECT f.proname,
    pg_catalog.bool_and(f.is_known) AND (f.proname OPERATOR(pg_catalog.=) 'timezone'
      OR NOT pg_catalog.bool_or(1266::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (f.proargtypes))
      OR pg_catalog.bool_or(1083::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (f.proargtypes))) AS is_known,
    pg_catalog.bool_or(NOT f.is_known AND f.pronargs OPERATOR(pg_catalog.>=) 1
      AND (f.pronargs OPERATOR(pg_catalog.-) f.pronargdefaults) OPERATOR(pg_catalog.<=) 1
      AND f.proargtypes[0] OPERATOR(pg_catalog.<>) ALL ('{2275,2281}'::pg_catalog.oid[])
      AND (t.typtype OPERATOR(pg_catalog.=) ANY ('{c,p}'::pg_catalog."char"[])
        OR t.typbasetype OPERATOR(pg_catalog.<>) 0::pg_catalog.oid))
      AS takes_row,
    pg_catalog.bool_or((f.of_users OR f.proname OPERATOR(pg_catalog.=) 'make_time')
      AND f.prorettype OPERATOR(pg_catalog.=) ANY ('{1083,1183,1266,1270}'::pg_catalog.oid[])) AS makes_time,
    pg_catalog.bool_and(f.prorettype OPERATOR(pg_catalog.=)
      ANY ('{1082,1083,1114,1184,1186,1266}'::pg_catalog.oid[])) AS makes_moment
  FROM function f LEFT JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) f.proargtypes[0]
  GROUP BY f.proname)
SELECT 'relation' AS kind, c.oid::pg_catalog.text AS a, c.relname::pg_catalog.text AS b,
  pg_catalog.concat(pg_catalog.quote_ident(c.nspname::pg_catalog.text), '.',
    pg_catalog.quote_ident(c.relname::pg_catalog.text)) AS c,
  pg_catalog.concat(c.relkind, c.relpersistence, CASE WHEN c.of_system THEN 's' END,
    CASE WHEN c.relrowsecurity THEN 'r' END,
    CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'r'
      AND c.relam OPERATOR(pg_catalog.<>) 2::pg_catalog.oid THEN 'a' END,
    CASE WHEN w.relid IS NOT NULL THEN 'w' END,
    CASE WHEN m.relid IS NOT NULL THEN 'm' END,
    CASE WHEN EXISTS (SELECT FROM outbox o WHERE o.relid OPERATOR(pg_catalog.=) c.oid) THEN 'o' END,
    CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_subscription_rel o
      WHERE o.srrelid OPERATOR(pg_catalog.=) c.oid) THEN 'l' END,
    CASE WHEN times.with_zone THEN 'zt' WHEN NOT times.with_zone THEN 't' END) AS d,
  key.attname::pg_catalog.text AS e, key.atttypid::pg_catalog.oid::pg_catalog.text AS f,
  CASE WHEN c.relkind OPERATOR(pg_catalog.=) 'v' AND NOT c.of_system
    THEN pg_catalog.pg_get_viewdef(c.oid) END AS g
FROM relation c
  LEFT JOIN times ON times.attrelid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN key ON key.indrelid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN runs_code w ON w.relid OPERATOR(pg_catalog.=) c.oid
  LEFT JOIN connects_rows m ON m.relid OPERATOR(pg_catalog.=) c.oid
UNION ALL SELECT 'child', inhparent::pg_catalog.oid::pg_catalog.text,
  inhrelid::pg_catalog.oid::pg_catalog.text, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_inherits
UNION ALL SELECT 'cascade', confrelid::pg_catalog.oid::pg_catalog.text,
  conrelid::pg_catalog.oid::pg_catalog.text,
  pg_catalog.concat(
    CASE WHEN confupdtype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[]) THEN 'u' END,
    CASE WHEN confdeltype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[]) THEN 'd' END),
  NULL, NULL, NULL, NULL
FROM pg_catalog.pg_constraint
WHERE contype OPERATOR(pg_catalog.=) 'f'
  AND (confupdtype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[])
    OR confdeltype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog."char"[]))
UNION ALL SELECT 'function', proname::pg_catalog.text,
  pg_catalog.concat(CASE WHEN is_known THEN 'i' ELSE 'u' END, CASE WHEN takes_row THEN 'r' END,
    CASE WHEN makes_time THEN 't' END), NULL, NULL, NULL, NULL, NULL
FROM named
UNION ALL SELECT 'moment', proname::pg_catalog.text, 'function', NULL, NULL, NULL, NULL, NULL
FROM named WHERE makes_moment
UNION ALL SELECT 'moment', a.attname::pg_catalog.text, 'column', NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_attribute a JOIN relation c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
WHERE NOT c.of_system AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
GROUP BY a.attname
HAVING pg_catalog.bool_and(a.atttypid OPERATOR(pg_catalog.=) ANY ('{1082,1114,1184}'::pg_catalog.oid[]))
UNION ALL SELECT 'operator', o.oprname::pg_catalog.text, NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_operator o
  JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) o.oprcode::pg_catalog.oid
WHERE o.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND p.provolatile OPERATOR(pg_catalog.<>) 'i'
UNION ALL SELECT 'equality', NULL, NULL, NULL, NULL, NULL, NULL, NULL
WHERE EXISTS (
  SELECT FROM pg_catalog.pg_operator
  WHERE oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND oprname OPERATOR(pg_catalog.=) '='
    AND (oprleft OPERATOR(pg_catalog.<) 16384::pg_catalog.oid
      OR oprright OPERATOR(pg_catalog.<) 16384::pg_catalog.oid))
UNION ALL SELECT 'type', t.typname::pg_catalog.text,
  CASE pg_catalog.max(CASE
      WHEN t.typtype OPERATOR(pg_catalog.=) 'e' THEN 1
      WHEN t.typtype OPERATOR(pg_catalog.=) 'b' AND p.provolatile OPERATOR(pg_catalog.=) 'i' THEN 1
      WHEN t.typtype OPERATOR(pg_catalog.=) ANY ('{r,m}'::pg_catalog."char"[]) THEN 2
      ELSE 3 END)
    WHEN 1 THEN 'a' WHEN 2 THEN 'c' ELSE 'n' END, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_type t
  JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.typinput::pg_catalog.oid
WHERE t.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
GROUP BY t.typname
UNION ALL SELECT 'everything',
  pg_catalog.concat('the extension ', extname, ' keeps rows of tables elsewhere than in these'),
  NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_extension
WHERE extname OPERATOR(pg_catalog.=) ANY ('{citus,timescaledb}'::pg_catalog.name[])
UNION ALL SELECT 'everything',
  pg_catalog.concat('a cast of users calls ', p.proname, '(), which is not immutable'),
  NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) k.castfunc
WHERE k.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND p.provolatile OPERATOR(pg_catalog.<>) 'i'
UNION ALL SELECT 'everything',
  pg_catalog.concat('a cast of users reads a text as ', t.typname, ', perhaps a word like today'),
  NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_cast k
  JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) k.casttarget
  JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.typinput::pg_catalog.oid
WHERE k.castmethod OPERATOR(pg_catalog.=) 'i' AND p.provolatile OPERATOR(pg_catalog.<>) 'i'
  AND t.typtype OPERATOR(pg_catalog.<>) 'e'
UNION ALL SELECT 'everything',
  pg_catalog.concat('a cast of users takes rows of ', t.typname),
  NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_cast k JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) k.castsource
WHERE k.castcontext OPERATOR(pg_catalog.=) 'i' AND t.typtype OPERATOR(pg_catalog.=) 'c'
UNION ALL SELECT 'everything',
  pg_catalog.concat('an operator class calls ', p.proname, '(), which is not immutable'),
  NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_amproc a JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) a.amproc::pg_catalog.oid
WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND p.provolatile OPERATOR(pg_catalog.<>) 'i')";

/// Which rows of a table are left out: those of temporary things, or every CREATE TEMP TABLE would look like
/// a change.
enum class Leave : std::uint8_t { nothing, relations, spaces };

struct Source {
  std::string_view table;
  std::string_view condition;
  Leave temporary = Leave::nothing;
  std::string_view owner = {};  ///< the column that says of which relation, or in which schema
};

constexpr Source kSources[] = {
    {"pg_class", "c.relpersistence OPERATOR(pg_catalog.<>) 't'"},
    {"pg_attribute", "c.attnum OPERATOR(pg_catalog.>) 0", Leave::relations, "attrelid"},
    {"pg_index", "true", Leave::relations, "indrelid"},
    {"pg_constraint", "true", Leave::spaces, "connamespace"},
    {"pg_attrdef", "true", Leave::relations, "adrelid"},
    {"pg_trigger", "true", Leave::relations, "tgrelid"},
    {"pg_rewrite", "true", Leave::relations, "ev_class"},
    {"pg_type", "true", Leave::spaces, "typnamespace"},
    {"pg_namespace", "true", Leave::spaces, "oid"},
    {"pg_inherits", "true", Leave::relations, "inhrelid"},
    {"pg_proc", "true", Leave::spaces, "pronamespace"},
    {"pg_policy", "true"},
    {"pg_subscription_rel", "true"},
    {"pg_operator", "true"},
    {"pg_amproc", "true"},
    {"pg_cast", "true"},
    {"pg_collation", "true"},
    {"pg_enum", "true"},
    {"pg_ts_config", "true"},
    {"pg_ts_config_map", "true"},
    {"pg_ts_dict", "true"},
    {"pg_auth_members", "true"},
    {"pg_db_role_setting", "true"},
    {"pg_database", "c.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"},
};

/// A row's place and the transaction that wrote it are what makes it another one; VACUUM and ANALYZE write
/// some of pg_class in place and so change neither. What initdb wrote (transaction 1) and nobody has touched
/// since is left out. Numbers of transactions cannot just be compared with the greatest one known: a lower
/// one can commit later.
std::string fingerprint_of(const Source& source) {
  std::string sql = fmt::format(
      "(SELECT pg_catalog.concat(pg_catalog.count(*), '.', pg_catalog.sum("
      "pg_catalog.hash_record_extended(ROW(c.ctid, c.xmin), 0))) FROM pg_catalog.{} c "
      "WHERE c.xmin OPERATOR(pg_catalog.<>) '1'::pg_catalog.xid AND {}",
      source.table, source.condition);
  if (source.temporary != Leave::nothing) {
    sql += fmt::format(" AND NOT EXISTS (SELECT FROM {} t WHERE t.oid OPERATOR(pg_catalog.=) c.{})",
                       source.temporary == Leave::relations ? "relations" : "spaces", source.owner);
  }
  return sql + ")";
}

std::string make_fingerprint_question() {
  // pg_roles and not pg_authid, which only superusers may read.
  std::string sql =
      "WITH relations AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_class WHERE relpersistence "
      "OPERATOR(pg_catalog.=) 't'), spaces AS MATERIALIZED (SELECT oid FROM pg_catalog.pg_namespace WHERE "
      "nspname OPERATOR(pg_catalog.~) '^pg_(toast_)?temp_') "
      "SELECT pg_catalog.concat_ws('/', pg_catalog.pg_conf_load_time(), (SELECT pg_catalog.concat("
      "pg_catalog.count(*), '.', pg_catalog.sum(pg_catalog.hashtextextended(c::pg_catalog.text, 0))) FROM "
      "pg_catalog.pg_roles c)";
  for (const Source& source : kSources) sql += ", " + fingerprint_of(source);
  return sql + ")";
}

}  // namespace

std::string_view catalog_question() {
  static const std::string question =
      fmt::format("WITH outbox AS ({}){}", outbox_triggers(), kCatalogQuestion);
  return question;
}

std::string_view catalog_fingerprint_question() {
  static const std::string question = make_fingerprint_question();
  return question;
}

}  // namespace forebay::cache
