#include "backend/decoding_question.hpp"

#include <fmt/format.h>

namespace forebay::backend {

std::string decoding_question(Claim claim, int claimed) {
  return fmt::format(
      R"(SELECT CASE
  WHEN pg_catalog.pg_is_in_recovery()
    THEN 'the server is a standby: PostgreSQL decodes changes on the primary alone'
  WHEN pg_catalog.current_setting('wal_level') OPERATOR(pg_catalog.<>) 'logical'
    THEN pg_catalog.concat('wal_level is ', pg_catalog.current_setting('wal_level'), ', not logical')
  WHEN NOT r.rolreplication AND NOT r.rolsuper
    THEN pg_catalog.concat('the role ', r.rolname, ' may not replicate; ALTER ROLE ',
      pg_catalog.quote_ident(r.rolname::pg_catalog.text), ' REPLICATION')
  WHEN pg_catalog.current_setting('max_replication_slots')::pg_catalog.int4 OPERATOR(pg_catalog.-)
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots) OPERATOR(pg_catalog.<=) {1}
    THEN 'few replication slots are free (max_replication_slots), and {0} are left to others'
  WHEN pg_catalog.current_setting('max_wal_senders')::pg_catalog.int4 OPERATOR(pg_catalog.-)
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_get_wal_senders()) OPERATOR(pg_catalog.<=) {1}
    THEN 'few replication connections are free (max_wal_senders), and {0} are left to others'
  ELSE '' END
FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) current_user)",
      kLeftToOthers, claim == Claim::spare ? kLeftToOthers + claimed : -1);
}

}  // namespace forebay::backend
