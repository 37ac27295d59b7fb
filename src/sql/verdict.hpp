#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::sql {

/// What running a statement may do to the session or to others, as bits of a set. `engine` decides from these
/// whether a client's state can be carried to another backend or the client has to keep the one that it has.
enum class Effect : std::uint32_t {
  writes = 1U << 0,              ///< anything that is not a plain read
  begins_transaction = 1U << 1,  ///< BEGIN, START TRANSACTION
  ends_transaction = 1U << 2,    ///< COMMIT, ROLLBACK, PREPARE TRANSACTION, their synonyms
  sets_setting = 1U << 3,  ///< SET, RESET or set_config whose value outlives the transaction; see `settings`
  resets_all = 1U << 4,    ///< RESET ALL, DISCARD ALL
  discards_all = 1U << 5,  ///< DISCARD ALL
  sets_authorization = 1U << 6,  ///< SET SESSION AUTHORIZATION, RESET SESSION AUTHORIZATION
  prepares = 1U << 7,            ///< PREPARE (SQL level)
  uses_prepared =
      1U << 8,  ///< EXECUTE, DEALLOCATE name, EXPLAIN EXECUTE, CREATE TABLE AS EXECUTE; see `prepared_names`
  deallocates = 1U << 9,  ///< DEALLOCATE (ALL: `prepared_names` is empty), DISCARD ALL
  makes_temporary =
      1U << 10,  ///< may create temporary objects (TEMP, TEMPORARY, pg_temp schema, SELECT INTO TEMP)
  holds_cursor = 1U << 11,   ///< DECLARE … WITH HOLD
  listens = 1U << 12,        ///< LISTEN
  locks_session = 1U << 13,  ///< session-level advisory locks taken or released
  loads_library = 1U << 14,  ///< LOAD
  seeds_random = 1U << 15,   ///< setseed(), SET seed
  advances_sequence =
      1U << 16,  ///< nextval, setval, and INSERT/MERGE/COPY FROM, whose defaults may call nextval
  reads_sequence_state = 1U << 17,  ///< currval, lastval
  reads_identity =
      1U << 18,  ///< pg_backend_pid(), pg_stat_get_backend… of oneself, temporary replication slots and alike
  calls_unknown = 1U << 19,  ///< calls functions that are not PostgreSQL's own; see `functions`
  runs_code = 1U << 20,  ///< DO, CALL, and built-in functions that run SQL text (query_to_xml, ts_stat …)
  changes_schema = 1U << 21,  ///< DDL of any kind
  changes_databases =
      1U << 22,  ///< CREATE/DROP/ALTER DATABASE that other sessions could block; see `databases`
  changes_defaults =
      1U << 23,  ///< ALTER ROLE/DATABASE/SYSTEM … SET or RESET, GRANT/REVOKE role, ALTER/DROP ROLE
  reads_session_views =
      1U << 24,           ///< pg_prepared_statements, pg_cursors, pg_settings, pg_locks, pg_stat_activity …
  unparsable = 1U << 25,  ///< libpg_query refused it; everything else is then unknown
  unlistens = 1U << 26,   ///< UNLISTEN
  closes_cursor = 1U << 27,    ///< CLOSE (SQL level)
  drops_objects = 1U << 28,    ///< DROP of relations, functions, types, schemas: may remove temporary objects
  deallocates_all = 1U << 29,  ///< DEALLOCATE ALL, DISCARD ALL: whatever `prepared_names` holds
};

/// A set of Effect.
class Effects {
 public:
  constexpr Effects() = default;
  constexpr Effects(Effect effect) : bits_(static_cast<std::uint32_t>(effect)) {}

  constexpr bool has(Effect effect) const { return (bits_ & static_cast<std::uint32_t>(effect)) != 0; }
  constexpr bool any_of(Effects others) const { return (bits_ & others.bits_) != 0; }
  constexpr bool only(Effects allowed) const { return (bits_ & ~allowed.bits_) == 0; }
  constexpr bool empty() const { return bits_ == 0; }

  constexpr Effects& operator|=(Effects other) {
    bits_ |= other.bits_;
    return *this;
  }
  friend constexpr Effects operator|(Effects a, Effects b) { return a |= b; }
  friend constexpr bool operator==(Effects a, Effects b) = default;

 private:
  std::uint32_t bits_ = 0;
};

constexpr Effects operator|(Effect a, Effect b) {
  return Effects(a) | Effects(b);
}

/// What `sql` says of one text, which may hold several statements: then the union over all of them.
/// Names are folded as PostgreSQL folds them (unquoted: lower case). Immutable, safe to share between
/// threads.
struct Verdict {
  Effects effects;
  std::vector<std::string> settings;   ///< with sets_setting: names touched; empty means "any"
  std::vector<std::string> relations;  ///< relations named (schema left out), reads and writes alike
  std::vector<std::string> functions;  ///< with calls_unknown: their names (schema left out)
  std::vector<std::string>
      prepared_names;  ///< SQL-level prepared statements named by PREPARE, EXECUTE, DEALLOCATE
  std::vector<std::string> databases;  ///< with changes_databases
  int statements = 0;                  ///< how many statements the text holds; 0 for an empty text
};

/// Parses `text` with libpg_query and says what it may do. Takes any bytes, costs tens of microseconds; use
/// VerdictCache on the data path. Thread safe. Never throws and needs less than a megabyte of stack beyond
/// what its caller used: a text that cannot be parsed, is nested too deeply, or has a canonical text (see
/// canonical.hpp) longer than 256 KiB gets Effect::unparsable. Expects a text that the server reads with
/// standard_conforming_strings on.
///
/// What it does not see: operators and casts that call functions, and the attribute notation `row.function`
/// for functions of users; triggers, rules and the bodies of functions and views. The catalog of the database
/// has to say those.
Verdict analyse(std::string_view text);

}  // namespace forebay::sql
