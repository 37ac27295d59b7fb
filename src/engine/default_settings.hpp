#pragma once

#include <string>
#include <string_view>

namespace forebay::engine {

/// Notices ALTER ROLE … SET and ALTER DATABASE … SET that did not come through us: wherever the server is
/// asked something of ours that is cheap and often, it also answers with this, a number that changes when
/// they do. A scalar SQL expression, qualified so that any search_path will do.
inline constexpr std::string_view kDefaultsFingerprint =
    "(SELECT pg_catalog.concat(pg_catalog.count(*), '.', pg_catalog.sum(pg_catalog.hashtext("
    "pg_catalog.concat(setdatabase, '.', setrole, '.', xmin)))) FROM pg_catalog.pg_db_role_setting)";

/// Whether `fingerprint` differs from what the server `name` last answered: then sessions opened before have
/// other defaults than new ones. Thread safe.
bool are_new_defaults(const std::string& server, const std::string& fingerprint);

/// Who has a role's name.
struct RoleFound {
  std::string server;  ///< that says so
  std::string oid;
};

/// Whether the name `role` of `entry` stood for another one when the same server was last asked: sessions
/// opened before are those of a role that has been dropped or renamed since. What another server says is
/// taken for what was always so: it may be a copy, with the same roles, or has roles of its own. Thread safe.
bool is_another_role(const std::string& entry, const std::string& role, RoleFound found);

}  // namespace forebay::engine
