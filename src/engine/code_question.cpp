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
     "AND relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f}'::\"char\"[])"},
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
std::string_view code_question() {
  return R"(
WITH suspect AS (
  SELECT p.oid, p.proname, l.lanname, p.prosrc, p.prosqlbody
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) p.prolang
  WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    AND (l.lanname OPERATOR(pg_catalog.<>) ALL ('{c,internal}'::pg_catalog.name[])
      OR p.proname OPERATOR(pg_catalog.=) ANY ('{isn_weak,set_limit,crosstab,crosstab_hash,connectby,xpath_table}'::pg_catalog.name[])
      OR (p.provolatile OPERATOR(pg_catalog.=) 'v' AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
          JOIN pg_catalog.pg_extension e ON e.oid OPERATOR(pg_catalog.=) d.refobjid
        WHERE d.classid OPERATOR(pg_catalog.=) 1255::pg_catalog.oid AND d.objid OPERATOR(pg_catalog.=) p.oid
          AND d.refclassid OPERATOR(pg_catalog.=) 3079::pg_catalog.oid
          AND d.deptype OPERATOR(pg_catalog.=) 'e'
          AND e.extname OPERATOR(pg_catalog.=) ANY ('{amcheck,bloom,btree_gin,btree_gist,citext,cube,earthdistance,fuzzystrmatch,hstore,insert_username,intarray,isn,lo,ltree,moddatetime,pageinspect,pg_buffercache,pg_freespacemap,pg_stat_statements,pg_trgm,pg_visibility,pgcrypto,pgrowlocks,pgstattuple,postgis,seg,sslinfo,tablefunc,tcn,unaccent,uuid-ossp,vector}'::pg_catalog.name[])))))
SELECT 'function', proname::pg_catalog.text, lanname::pg_catalog.text,
  CASE WHEN prosqlbody IS NOT NULL THEN pg_catalog.pg_get_function_sqlbody(oid) ELSE prosrc END
FROM suspect
UNION ALL SELECT 'function', p.proname::pg_catalog.text, 'sql',
  pg_catalog.concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
FROM pg_catalog.pg_aggregate a JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) a.aggfnoid::pg_catalog.oid
WHERE p.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
UNION ALL SELECT 'write', c.relname::pg_catalog.text, 'sql',
  pg_catalog.substr(d.def, pg_catalog.strpos(d.def, ' FOR EACH '))
FROM pg_catalog.pg_trigger t CROSS JOIN LATERAL pg_catalog.pg_get_triggerdef(t.oid) d (def)
  JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid
WHERE NOT t.tgisinternal
UNION ALL SELECT 'write', c.relname::pg_catalog.text, 'default', pg_catalog.pg_get_expr(d.adbin, d.adrelid)
FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.adrelid
UNION ALL SELECT 'write', c.relname::pg_catalog.text, 'sql', pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) k.conrelid
WHERE k.contype OPERATOR(pg_catalog.=) 'c' AND k.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
UNION ALL SELECT 'write', c.relname::pg_catalog.text, 'sql', pg_catalog.concat_ws(' ',
  pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid))
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indrelid
WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
UNION ALL SELECT 'read', c.relname::pg_catalog.text, 'sql', pg_catalog.concat_ws(' ',
  pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))
FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.polrelid
UNION ALL SELECT s.site, c.relname::pg_catalog.text, 'sql', pg_catalog.pg_get_viewdef(c.oid)
FROM pg_catalog.pg_class c CROSS JOIN (VALUES ('read'), ('write')) s (site)
WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{v,m}'::"char"[])
  AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
UNION ALL SELECT 'write', c.relname::pg_catalog.text, 'sql', pg_catalog.pg_get_ruledef(r.oid)
FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.ev_class
WHERE r.ev_type OPERATOR(pg_catalog.<>) '1' AND r.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
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
UNION ALL SELECT 'anywhere', '', 'sql', pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_constraint k
WHERE k.contypid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid
  AND k.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
UNION ALL SELECT 'anywhere', '', 'default', t.typdefault
FROM pg_catalog.pg_type t
WHERE t.typdefault IS NOT NULL AND t.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
UNION ALL SELECT 'anywhere', '', 'sql', proname::pg_catalog.text
FROM suspect s
WHERE EXISTS (SELECT FROM pg_catalog.pg_operator o WHERE o.oprcode::pg_catalog.oid OPERATOR(pg_catalog.=) s.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE k.castfunc OPERATOR(pg_catalog.=) s.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_amproc a WHERE a.amproc::pg_catalog.oid OPERATOR(pg_catalog.=) s.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_range r WHERE r.rngsubdiff::pg_catalog.oid OPERATOR(pg_catalog.=) s.oid
    OR r.rngcanonical::pg_catalog.oid OPERATOR(pg_catalog.=) s.oid)
  OR EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    AND s.oid OPERATOR(pg_catalog.=) ANY (ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend]::pg_catalog.oid[]))
UNION ALL SELECT 'ddl', '', 'sql', p.proname::pg_catalog.text
FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) e.evtfoid)";
}

}  // namespace forebay::engine
