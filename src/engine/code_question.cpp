#include "engine/code_question.hpp"

#include <fmt/format.h>

#include "engine/default_settings.hpp"

namespace forebay::engine {

namespace {

struct Catalog {
  std::string_view name;
  std::string_view key;        ///< what makes a row another one, beside xmin
  std::string_view condition;  ///< which rows matter
};

// 16384 is FirstNormalObjectId: what is below came with initdb. Functions are the first.
constexpr Catalog kCatalogs[] = {
    {"pg_proc", "oid", "oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid"},
    {"pg_trigger", "oid", "NOT tgisinternal"},
    {"pg_rewrite", "oid", "oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid"},
    {"pg_attrdef", "oid", "true"},
    {"pg_constraint", "oid", "oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid"},
    {"pg_index", "indexrelid", "indexprs IS NOT NULL OR indpred IS NOT NULL"},
    {"pg_policy", "oid", "true"},
    {"pg_operator", "oid", "oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid"},
    {"pg_cast", "oid", "oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid"},
    {"pg_event_trigger", "oid", "true"},
    {"pg_inherits", "inhrelid, '.', inhparent", "true"},
    {"pg_class", "oid",
     "oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid AND relpersistence OPERATOR(pg_catalog.<>) 't' "
     "AND relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::\"char\"[])"},
};

std::string fingerprint_of(const Catalog& catalog) {
  return fmt::format(
      "(SELECT pg_catalog.concat(pg_catalog.count(*), '.', pg_catalog.sum(pg_catalog.hashtext("
      "pg_catalog.concat({}, '.', xmin)))) FROM pg_catalog.{} WHERE {})",
      catalog.key, catalog.name, catalog.condition);
}

}  // namespace

std::string functions_fingerprint() {
  return fingerprint_of(kCatalogs[0]);
}

std::string code_fingerprint_question() {
  std::string sql = "SELECT pg_catalog.concat_ws('/'";
  for (const Catalog& catalog : kCatalogs) sql += ", " + fingerprint_of(catalog);
  return sql + "), " + std::string(kDefaultsFingerprint);
}

// Functions in C cannot be read. IMMUTABLE and STABLE ones, and those of extensions that PostgreSQL ships or
// that are known, are believed to leave the session alone, but for a few that are not.
//
// Expressions, views and rules are not deparsed: that takes locks on the relations they name, and waits for
// them. pg_depend has the functions and relations of users in them, and the numbers of PostgreSQL's own
// functions stand in their trees. Class numbers: pg_type 1247, pg_proc 1255, pg_class 1259, pg_attrdef 2604,
// pg_constraint 2606, pg_rewrite 2618, pg_trigger 2620, pg_extension 3079, pg_policy 3256.
std::string_view code_question() {
  return R"(
WITH suspect AS (
  SELECT p.oid, p.proname, l.lanname, p.prosrc, p.prosqlbody
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
  WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    AND (l.lanname OPERATOR(pg_catalog.<>) ALL ('{c,internal}'::pg_catalog.name[])
      OR p.proname OPERATOR(pg_catalog.=)
        ANY ('{isn_weak,set_limit,crosstab,crosstab_hash,connectby,xpath_table}'::pg_catalog.name[])
      OR (p.provolatile OPERATOR(pg_catalog.=) 'v' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
        WHERE d.classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND d.objid OPERATOR(pg_catalog.=) p.oid
          AND d.refclassid OPERATOR(pg_catalog.=) 3079::pg_catalog.oid
          AND d.deptype OPERATOR(pg_catalog.=) 'e'
          AND e.extname OPERATOR(pg_catalog.=) ANY ('{
          amcheck, bloom, btree_gin, btree_gist, citext, cube, earthdistance, fuzzystrmatch, hstore,
          insert_username, intarray, isn, lo, ltree, moddatetime, pageinspect, pg_buffercache,
          pg_freespacemap, pg_prewarm, pg_stat_statements, pg_trgm, pg_visibility, pgcrypto, pgrowlocks,
          pgstattuple, postgis, seg, sslinfo, tablefunc, tcn, unaccent, uuid-ossp, vector}'::pg_catalog.name[]))))),
own AS (
  SELECT pg_catalog.concat(':(func|opfunc)id (', pg_catalog.string_agg(oid::pg_catalog.text, '|'), ') ') AS pattern
  FROM pg_catalog.pg_proc
  WHERE oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND proname OPERATOR(pg_catalog.~)
    '^(set_config|setseed|currval|lastval|nextval|setval|pg_(try_)?advisory_(un)?lock.*|.*_to_xml.*|'
    'ts_stat|ts_rewrite)$'),
piece (site, name, language, class, object, tree) AS (
  SELECT 'write', c.relname, 'default', 2604, d.oid, d.adbin::pg_catalog.text
  FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.adrelid
  UNION ALL SELECT 'write', c.relname, 'sql', 2606, k.oid, k.conbin::pg_catalog.text
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) k.conrelid
  WHERE k.contype OPERATOR(pg_catalog.=) 'c' AND k.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL SELECT 'write', c.relname, 'sql', 1259, i.indexrelid, pg_catalog.concat(i.indexprs, i.indpred)
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indrelid
  WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
  UNION ALL SELECT 'read', c.relname, 'sql', 3256, p.oid, pg_catalog.concat(p.polqual, p.polwithcheck)
  FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.polrelid
  UNION ALL SELECT s.site, c.relname, 'sql', 2618, r.oid, pg_catalog.concat(r.ev_action, r.ev_qual)
  FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.ev_class
    JOIN (VALUES ('read'), ('write')) s (site)
      ON s.site OPERATOR(pg_catalog.=) 'write' OR r.ev_type OPERATOR(pg_catalog.=) '1'
  WHERE r.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL SELECT 'write', c.relname, 'sql', 2620, t.oid, t.tgqual::pg_catalog.text
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid
  WHERE NOT t.tgisinternal
  UNION ALL SELECT 'anywhere', '', 'sql', 2606, k.oid, k.conbin::pg_catalog.text
  FROM pg_catalog.pg_constraint k
  WHERE k.contypid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid AND k.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL SELECT 'anywhere', '', 'default', 1247, t.oid, t.typdefaultbin::pg_catalog.text
  FROM pg_catalog.pg_type t
  WHERE t.typdefaultbin IS NOT NULL AND t.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
  UNION ALL SELECT 'function', s.proname, 'sql', 1255, s.oid, s.prosqlbody::pg_catalog.text
  FROM suspect s WHERE s.prosqlbody IS NOT NULL)
SELECT site, name::pg_catalog.text, language, pg_catalog.concat_ws(' ',
  (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(coalesce(p.proname, c.relname)::pg_catalog.text), ' ')
   FROM pg_catalog.pg_depend d
     LEFT JOIN pg_catalog.pg_proc p
       ON d.refclassid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND p.oid OPERATOR(pg_catalog.=) d.refobjid
     LEFT JOIN pg_catalog.pg_class c
       ON d.refclassid OPERATOR(pg_catalog.=) 1259::pg_catalog.oid AND c.oid OPERATOR(pg_catalog.=) d.refobjid
   WHERE d.classid OPERATOR(pg_catalog.=) piece.class::pg_catalog.oid
     AND d.objid OPERATOR(pg_catalog.=) piece.object
     AND d.refclassid OPERATOR(pg_catalog.=) ANY ('{1255,1259}'::pg_catalog.oid[])),
  CASE WHEN tree OPERATOR(pg_catalog.~) own.pattern THEN
    (SELECT pg_catalog.string_agg(p.proname::pg_catalog.text, ' ')
     FROM pg_catalog.regexp_matches(tree, ':(?:func|opfunc)id ([0-9]+)', 'g') m (number)
       JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) m.number[1]::pg_catalog.oid
     WHERE p.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid) END,
  CASE WHEN pg_catalog.strpos(tree, ':commandType 3 ') OPERATOR(pg_catalog.>) 0 THEN 'insert' END,
  CASE WHEN tree OPERATOR(pg_catalog.~) ':commandType [245] ' THEN 'update' END)
FROM piece CROSS JOIN own
UNION ALL SELECT 'function', proname::pg_catalog.text, lanname::pg_catalog.text, prosrc
FROM suspect WHERE prosqlbody IS NULL
UNION ALL SELECT 'function', p.proname::pg_catalog.text, 'sql',
  pg_catalog.concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn,
    a.aggmfinalfn)
FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) a.aggfnoid::pg_catalog.oid
WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
UNION ALL SELECT 'write', parent.relname::pg_catalog.text, 'relation', child.relname::pg_catalog.text
FROM pg_catalog.pg_constraint k
  JOIN pg_catalog.pg_class parent ON parent.oid OPERATOR(pg_catalog.=) k.confrelid
  JOIN pg_catalog.pg_class child ON child.oid OPERATOR(pg_catalog.=) k.conrelid
WHERE k.contype OPERATOR(pg_catalog.=) 'f'
  AND (k.confupdtype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::"char"[])
    OR k.confdeltype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::"char"[]))
UNION ALL SELECT 'write', parent.relname::pg_catalog.text, 'relation', child.relname::pg_catalog.text
FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class parent ON parent.oid OPERATOR(pg_catalog.=) i.inhparent
  JOIN pg_catalog.pg_class child ON child.oid OPERATOR(pg_catalog.=) i.inhrelid
UNION ALL SELECT 'anywhere', '', 'sql', proname::pg_catalog.text
FROM suspect s
WHERE EXISTS (SELECT FROM pg_catalog.pg_operator o WHERE o.oprcode::pg_catalog.oid OPERATOR(pg_catalog.=) s.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE k.castfunc OPERATOR(pg_catalog.=) s.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_amproc a WHERE a.amproc::pg_catalog.oid OPERATOR(pg_catalog.=) s.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_range r WHERE r.rngsubdiff::pg_catalog.oid OPERATOR(pg_catalog.=) s.oid
    OR r.rngcanonical::pg_catalog.oid OPERATOR(pg_catalog.=) s.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    AND s.oid OPERATOR(pg_catalog.=) ANY (ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend]::pg_catalog.oid[]))
UNION ALL SELECT 'lookalike', s.proname::pg_catalog.text, '', ''
FROM suspect s JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) s.oid
  LEFT JOIN pg_catalog.pg_type t ON p.pronargs OPERATOR(pg_catalog.>=) 1
    AND t.oid OPERATOR(pg_catalog.=) p.proargtypes[0]
WHERE t.typtype OPERATOR(pg_catalog.=) ANY ('{c,p}'::"char"[])
  OR EXISTS (SELECT FROM pg_catalog.pg_proc o
    WHERE o.oid OPERATOR(pg_catalog.<) 16384::pg_catalog.oid AND o.proname OPERATOR(pg_catalog.=) s.proname)
UNION ALL SELECT 'sequence', c.relname::pg_catalog.text, '', ''
FROM pg_catalog.pg_class c
WHERE c.relkind OPERATOR(pg_catalog.=) 'S' AND c.relpersistence OPERATOR(pg_catalog.<>) 't'
UNION ALL SELECT 'ddl', '', 'sql', p.proname::pg_catalog.text
FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) e.evtfoid)";
}

}  // namespace forebay::engine
