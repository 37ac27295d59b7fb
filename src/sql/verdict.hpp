#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::sql {

/// What running a statement may do to the session or to others, as bits of a set. `engine` decides from these
/// whether a client's state can be carried to another backend or the client has to keep the one that it has.
enum class Effect : std::uint64_t {
  /// Anything that is not a plain read, and what only the primary can answer: FOR UPDATE, nextval(), EXECUTE,
  /// pg_current_wal_lsn() … Not SET, BEGIN and others that change nothing but the session.
  writes = 1U << 0,
  /// BEGIN, START TRANSACTION, COMMIT AND CHAIN.
  begins_transaction = 1U << 1,
  /// COMMIT, ROLLBACK, PREPARE TRANSACTION, their synonyms.
  ends_transaction = 1U << 2,
  /// SET, RESET or set_config() whose value outlives the transaction; see `settings`.
  sets_setting = 1U << 3,
  /// RESET ALL, DISCARD ALL.
  resets_all = 1U << 4,
  /// DISCARD ALL.
  discards_all = 1U << 5,
  /// SET SESSION AUTHORIZATION, RESET SESSION AUTHORIZATION.
  sets_authorization = 1U << 6,
  /// PREPARE (SQL level); the verdict includes that of the statement in it, as EXECUTE's does not.
  prepares = 1U << 7,
  /// EXECUTE, DEALLOCATE name, EXPLAIN EXECUTE, CREATE TABLE AS EXECUTE; see `prepared_names`.
  uses_prepared = 1U << 8,
  /// DEALLOCATE, DISCARD ALL.
  deallocates = 1U << 9,
  /// May create temporary objects: TEMP, TEMPORARY, SELECT INTO TEMP, schema pg_temp, also in search_path.
  makes_temporary = 1U << 10,
  /// DECLARE … WITH HOLD.
  holds_cursor = 1U << 11,
  /// LISTEN.
  listens = 1U << 12,
  /// Session-level advisory locks taken or released.
  locks_session = 1U << 13,
  /// LOAD.
  loads_library = 1U << 14,
  /// setseed(), SET seed (local or not).
  seeds_random = 1U << 15,
  /// nextval(), setval(), and what may call nextval() for a default: INSERT, MERGE, COPY FROM, SET x =
  /// DEFAULT,
  /// ALTER TABLE ADD COLUMN; TRUNCATE RESTART IDENTITY.
  advances_sequence = 1U << 16,
  /// currval(), lastval(), DISCARD SEQUENCES.
  reads_sequence_state = 1U << 17,
  /// pg_backend_pid(), pg_my_temp_schema(), pg_backup_start(), replication slots that may be temporary,
  /// replication origins of the session and alike: matters of this one backend.
  reads_identity = 1U << 18,
  /// Calls functions that are not PostgreSQL's own; see `functions`.
  calls_unknown = 1U << 19,
  /// DO, CALL, CREATE EXTENSION, COPY … PROGRAM, functions that run SQL text (query_to_xml(), ts_stat() …).
  runs_code = 1U << 20,
  /// DDL of any kind.
  changes_schema = 1U << 21,
  /// CREATE/DROP/ALTER DATABASE that other sessions could block; see `databases`.
  changes_databases = 1U << 22,
  /// ALTER ROLE/DATABASE/SYSTEM … SET or RESET, GRANT/REVOKE role, CREATE/ALTER/DROP ROLE.
  changes_defaults = 1U << 23,
  /// pg_prepared_statements, pg_cursors, pg_settings, pg_locks, pg_stat_activity …, and functions under them;
  /// SHOW;
  /// what else tells of this server and not of its data: pg_prepared_xacts, pg_replication_slots, how far a
  /// sequence is.
  reads_session_views = 1U << 24,
  /// libpg_query refused it; everything else is then unknown.
  unparsable = 1U << 25,
  /// UNLISTEN.
  unlistens = 1U << 26,
  /// CLOSE (SQL level).
  closes_cursor = 1U << 27,
  /// DROP of relations, functions, types, schemas, DISCARD TEMP: may remove temporary objects.
  drops_objects = 1U << 28,
  /// DEALLOCATE ALL, DISCARD ALL: whatever `prepared_names` holds.
  deallocates_all = 1U << 29,
  /// Leaves what no look at the session shows: settings whose names are made up at run time, a base backup, a
  /// replication origin, a temporary slot.
  hides_state = 1U << 30,
  /// TRUNCATE … CASCADE: also changes relations that the text does not name.
  cascades = 1U << 31,
  /// SET LOCAL, set_config(…, true): a value until the transaction ends.
  sets_locally = 1ULL << 32,
  /// SET, RESET, set_config() of what decides where strings end, standard_conforming_strings and
  /// client_encoding,
  /// or of what is not known, and RESET ALL.
  changes_lexing = 1ULL << 33,
};

/// A set of Effect.
class Effects {
 public:
  constexpr Effects() = default;
  constexpr Effects(Effect effect) : bits_(static_cast<std::uint64_t>(effect)) {}

  constexpr bool has(Effect effect) const { return (bits_ & static_cast<std::uint64_t>(effect)) != 0; }
  constexpr bool any_of(Effects others) const { return (bits_ & others.bits_) != 0; }
  constexpr bool only(Effects allowed) const { return (bits_ & ~allowed.bits_) == 0; }
  constexpr bool empty() const { return bits_ == 0; }

  constexpr Effects without(Effects others) const {
    Effects rest;
    rest.bits_ = bits_ & ~others.bits_;
    return rest;
  }

  constexpr Effects& operator|=(Effects other) {
    bits_ |= other.bits_;
    return *this;
  }
  friend constexpr Effects operator|(Effects a, Effects b) { return a |= b; }
  friend constexpr bool operator==(Effects a, Effects b) = default;

 private:
  std::uint64_t bits_ = 0;
};

constexpr Effects operator|(Effect a, Effect b) {
  return Effects(a) | Effects(b);
}

/// What `sql` says of one text, which may hold several statements: then the union over all of them.
/// Names are folded as PostgreSQL folds them (unquoted: lower case), sorted, each once; names of settings are
/// in lower case. Immutable, safe to share between threads.
struct Verdict {
  Effects effects;
  /// With sets_setting: names touched. Empty means any, role, session_authorization and seed included.
  std::vector<std::string> settings;
  /// Relations named (schema left out), reads and writes alike, and names that WITH gives.
  std::vector<std::string> relations;
  /// With calls_unknown: the functions' names (schema left out).
  std::vector<std::string> functions;
  /// Names, as hash_of_name() has them, that stand for PostgreSQL's own functions or for columns, and would
  /// call a function of somebody else if there were one: name(…) without a schema, (row).name, and
  /// alias.name. Sorted.
  std::vector<std::uint32_t> possible_calls;
  /// SQL-level prepared statements named by PREPARE, EXECUTE, DEALLOCATE.
  std::vector<std::string> prepared_names;
  /// With changes_databases.
  std::vector<std::string> databases;
  /// How many statements the text holds; 0 for an empty or unparsable text.
  int statements = 0;

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

/// For possible_calls. Another name with the same hash is taken for this one, which errs to the side of
/// doubt.
constexpr std::uint32_t hash_of_name(std::string_view name) {
  std::uint32_t hash = 2'166'136'261U;  // FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 16'777'619U;
  return hash;
}

/// Parses `text` with libpg_query and says what it may do. Takes any bytes, costs tens of microseconds; use
/// VerdictCache on the data path. Thread safe. Never throws and needs less than a megabyte of stack beyond
/// what its caller used: a text that cannot be parsed, is nested too deeply, or has a canonical text (see
/// canonical.hpp) longer than 64 KiB gets Effect::unparsable. Expects a text that the server reads with
/// standard_conforming_strings on.
///
/// What it does not see: operators and casts that call functions; triggers, rules and the bodies of functions
/// and views. The catalog of the database has to say those.
Verdict analyse(std::string_view text);

}  // namespace forebay::sql
