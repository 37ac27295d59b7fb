#include "sql/verdict.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

#include "sql/builtin_functions.hpp"
#include "sql/statement_rules.hpp"

namespace forebay::sql {
namespace {

using E = Effect;
using Names = std::vector<std::string>;

constexpr Effects kNothing;
constexpr Effects kDdl = E::writes | E::changes_schema;
constexpr Effects kInsert = E::writes | E::advances_sequence;

struct Expectation {
  const char* text;
  Effects effects;
};

void expect(std::initializer_list<Expectation> expectations) {
  for (const auto& [text, effects] : expectations) {
    const Verdict verdict = analyse(text);
    EXPECT_EQ(verdict.effects, effects) << text;
  }
}

Names settings(const char* text) {
  const Verdict verdict = analyse(text);
  EXPECT_TRUE(verdict.effects.has(E::sets_setting)) << text;
  return verdict.settings;
}

TEST(Verdict, OfReads) {
  expect({
      {"SELECT 1", kNothing},
      {"SELECT a, count(*) FROM t GROUP BY a", kNothing},
      {"WITH x AS (SELECT 1) TABLE x", kNothing},
      {"VALUES (1), (2)", kNothing},
      {"EXPLAIN SELECT 1", kNothing},
      {"COPY t TO STDOUT", kNothing},
      {"COPY (SELECT 1) TO STDOUT", kNothing},
      {"FETCH 3 FROM c", kNothing},
      {"SELECT 'a' /* comments */ NOT /* are nothing */ IN ('b') --", kNothing},
      {"", kNothing},
      {"-- nothing", kNothing},
      {";;", kNothing},
  });
}

TEST(Verdict, OfWrites) {
  expect({
      {"INSERT INTO t VALUES (1)", kInsert},
      {"UPDATE t SET a = 1", E::writes},
      {"UPDATE t SET a = DEFAULT", kInsert},
      {"DELETE FROM t", E::writes},
      {"MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", kInsert},
      {"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", E::writes},
      {"SELECT 1 UNION SELECT * FROM (WITH x AS (INSERT INTO t VALUES (1) RETURNING *) TABLE x) y", kInsert},
      {"EXPLAIN ANALYZE DELETE FROM t", E::writes},
      {"SELECT * FROM t FOR NO KEY UPDATE", E::writes},
      {"SELECT * FROM (SELECT * FROM t FOR SHARE) x", E::writes},
      {"COPY t FROM STDIN", kInsert},
      {"COPY t FROM STDIN WITH (FORMAT csv, NULL 'x')", kInsert},
      {"COPY (DELETE FROM t RETURNING a) TO STDOUT", E::writes},
      {"COPY t TO '/tmp/x'", E::writes},
      {"COPY t TO PROGRAM 'x'", E::writes | E::runs_code},
      {"TRUNCATE t", E::writes},
      {"TRUNCATE t RESTART IDENTITY", kInsert},
      {"LOCK t", E::writes},
      {"NOTIFY c, 'x'", E::writes},
      {"VACUUM", E::writes},
      {"CHECKPOINT", E::writes},
      {"COMMIT PREPARED 'x'", E::writes | E::changes_schema},
      {"ROLLBACK PREPARED 'x'", E::writes},
  });
}

TEST(Verdict, OfTransactions) {
  expect({
      {"BEGIN ISOLATION LEVEL SERIALIZABLE", E::begins_transaction},
      {"START TRANSACTION", E::begins_transaction},
      {"END", E::ends_transaction},
      {"COMMIT AND CHAIN", E::ends_transaction | E::begins_transaction},
      {"ABORT", E::ends_transaction},
      {"PREPARE TRANSACTION 'x'", E::writes | E::ends_transaction},
      {"SAVEPOINT a", kNothing},
      {"ROLLBACK TO a", kNothing},
      {"RELEASE a", kNothing},
      {"SET CONSTRAINTS ALL DEFERRED", kNothing},
      {"BEGIN; INSERT INTO t VALUES (1); COMMIT", kInsert | E::begins_transaction | E::ends_transaction},
  });
  EXPECT_EQ(analyse("BEGIN;; SELECT 1; COMMIT;").statements, 3);
}

TEST(Verdict, OfSettings) {
  EXPECT_EQ(settings("SET work_mem = '1MB'"), Names{"work_mem"});
  EXPECT_EQ(settings("SET SESSION a.B = 1"), Names{"a.b"});
  EXPECT_EQ(settings("SET \"DateStyle\" = iso; SET work_mem = 1; SET datestyle = sql"),
            (Names{"datestyle", "work_mem"}));
  EXPECT_EQ(settings("SET x TO DEFAULT"), Names{"x"});
  EXPECT_EQ(settings("DO $$ BEGIN SET a.b = 1; END $$; DO 'BEGIN SET c.d = 1; END'"), (Names{"a.b", "c.d"}));
  EXPECT_EQ(settings("SET x FROM CURRENT"), Names{"x"});
  EXPECT_EQ(settings("RESET x"), Names{"x"});
  EXPECT_EQ(settings("SET TIME ZONE 'UTC'"), Names{"timezone"});
  EXPECT_EQ(settings("SET TIME ZONE LOCAL"), Names{"timezone"});
  EXPECT_EQ(settings("SET TIME ZONE INTERVAL '1' HOUR TO MINUTE"), Names{"timezone"});
  EXPECT_EQ(settings("SET NAMES 'latin1'"), Names{"client_encoding"});
  EXPECT_EQ(settings("SET SCHEMA 'a'"), Names{"search_path"});
  EXPECT_EQ(settings("SET ROLE a"), Names{"role"});
  EXPECT_EQ(settings("RESET ROLE"), Names{"role"});
  EXPECT_EQ(settings("SET XML OPTION DOCUMENT"), Names{"xmloption"});
  EXPECT_EQ(settings("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY"),
            (Names{"default_transaction_isolation", "default_transaction_read_only"}));
  expect({
      {"SET LOCAL work_mem = 1", E::sets_locally},
      {"SET LOCAL TIME ZONE 'UTC'", E::sets_locally},
      {"SET LOCAL ROLE a", E::sets_locally},
      {"SET LOCAL SESSION AUTHORIZATION a", E::sets_locally},
      {"SET TRANSACTION READ ONLY", kNothing},
      {"SET TRANSACTION SNAPSHOT 'x'", kNothing},
      {"SET transaction_isolation = serializable", kNothing},
      {"RESET ALL", E::resets_all | E::changes_lexing},
      {"DISCARD ALL",
       E::resets_all | E::changes_lexing | E::discards_all | E::deallocates | E::deallocates_all},
      {"SET SESSION AUTHORIZATION a", E::sets_authorization},
      {"SET session_authorization = a", E::sets_authorization},
      {"RESET SESSION AUTHORIZATION", E::sets_authorization},
      {"SET seed = 0.5", E::seeds_random},
      {"SET LOCAL seed = 0.5", E::seeds_random},
      {"SET LOCAL search_path = pg_temp", E::sets_locally | E::makes_temporary},
      {"SET client_encoding = latin1", E::sets_setting | E::changes_lexing},
      {"SET NAMES 'latin1'", E::sets_setting | E::changes_lexing},
      {"SET LOCAL standard_conforming_strings = off", E::sets_locally | E::changes_lexing},
      {"SET search_path = 'pg_temp'", E::sets_setting | E::makes_temporary},
      {"SET \"Search_Path\" = a, pg_temp", E::sets_setting | E::makes_temporary},
      {"SET SCHEMA 'pg_temp'", E::sets_setting | E::makes_temporary},
      {"ALTER FUNCTION f SET work_mem = 1", kDdl},
      {"ALTER ROLE a SET work_mem = 1", E::writes | E::changes_defaults},
      {"ALTER DATABASE a SET work_mem = 1", E::writes | E::changes_defaults},
      {"ALTER SYSTEM SET work_mem = 1", E::writes | E::changes_defaults},
  });
}

TEST(Verdict, OfSetConfig) {
  EXPECT_EQ(settings("SELECT set_config('Work_Mem', '1MB', false)"), Names{"work_mem"});
  EXPECT_EQ(settings("SELECT pg_catalog.\"set_config\"('a.b'::text, x, y) FROM t"), Names{"a.b"});
  EXPECT_EQ(settings("SELECT set_config(is_local => false, new_value => 'x', setting_name => 'a')"),
            Names{"a"});
  EXPECT_EQ(settings("SELECT U&\"set!005fconfig\" UESCAPE '!' ('a', 'b', false)"), Names{"a"});
  EXPECT_EQ(settings("SELECT set_config('a', 'b', 't')"), Names{"a"});
  EXPECT_EQ(settings("SELECT set_config($1, $2, $3)"), Names{});
  EXPECT_EQ(settings("SELECT set_config(name, 'x', false), set_config('a', 'x', false) FROM t; SET b = 1"),
            Names{});
  EXPECT_EQ(settings("SELECT * FROM t WHERE a = (SELECT set_config('a', 'b', false))"), Names{"a"});
  expect({
      {"SELECT set_config('a', 'b', true)", E::sets_locally},
      {"SELECT set_config($1, $2, true)", E::sets_locally | E::changes_lexing},
      {"SELECT set_config('a', 'b', is_local => true)", E::sets_locally},
      {"SELECT set_config('seed', '0.5', true)", E::seeds_random},
      {"SELECT set_config('session_authorization', 'a', false)", E::sets_authorization},
      {"SELECT set_config('search_path', 'a, pg_temp', true)", E::sets_locally | E::makes_temporary},
      {"SELECT other.set_config('a', 'b', false)", E::calls_unknown},
  });
}

TEST(Verdict, OfPreparedStatements) {
  expect({
      {"PREPARE a AS SELECT 1", E::prepares},
      {"PREPARE a (int) AS INSERT INTO t VALUES ($1)", E::prepares | kInsert},
      {"EXECUTE a(1)", E::uses_prepared | E::writes},
      {"EXPLAIN (ANALYZE) EXECUTE a", E::uses_prepared | E::writes},
      {"CREATE TABLE t AS EXECUTE a", E::uses_prepared | kDdl},
      {"DEALLOCATE PREPARE a", E::uses_prepared | E::deallocates},
      {"DEALLOCATE ALL", E::deallocates | E::deallocates_all},
  });
  EXPECT_EQ(analyse("PREPARE A AS SELECT 1; EXECUTE \"B\"; DEALLOCATE c; EXECUTE a").prepared_names,
            (Names{"B", "a", "c"}));
  EXPECT_EQ(analyse("DEALLOCATE ALL").prepared_names, Names{});
}

TEST(Verdict, OfStateOfTheSession) {
  expect({
      {"DECLARE c CURSOR FOR SELECT 1", kNothing},
      {"DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1", E::holds_cursor},
      {"CLOSE c", E::closes_cursor},
      {"CLOSE ALL", E::closes_cursor},
      {"LISTEN c", E::listens},
      {"UNLISTEN *", E::unlistens},
      {"LOAD 'x'", E::loads_library},
      {"DISCARD TEMP", E::drops_objects},
      {"DISCARD SEQUENCES", E::reads_sequence_state},
      {"DISCARD PLANS", kNothing},
      {"SELECT pg_try_advisory_lock_shared(1)", E::writes | E::locks_session},
      {"SELECT pg_advisory_unlock_all()", E::writes | E::locks_session},
      {"SELECT pg_advisory_xact_lock(1)", E::writes},
      {"SELECT setseed(0.5), random()", E::seeds_random},
      {"SELECT nextval('a')", kInsert},
      {"SELECT ('a'::regclass).nextval", kInsert},
      {"SELECT x.nextval FROM to_regclass('a') x", kInsert},
      {"SELECT nextval FROM t", kNothing},
      {"SELECT currval('a'), lastval()", E::reads_sequence_state},
      {"SELECT pg_backend_pid()", E::reads_identity},
      {"SELECT pg_create_logical_replication_slot('a', 'b', true)",
       E::writes | E::reads_identity | E::hides_state},
      {"SELECT * FROM pg_cursors", E::reads_session_views},
      {"SELECT * FROM pg_catalog.pg_locks JOIN t USING (x)", E::reads_session_views},
      {"SELECT * FROM pg_stat_xact_all_tables", E::reads_session_views},
      {"SELECT * FROM pg_show_all_settings()", E::reads_session_views},
      {"SELECT * FROM pg_stat_user_tables", E::reads_session_views},
      {"SELECT gid FROM pg_prepared_xacts", E::reads_session_views},
      {"SELECT last_value FROM a_sequence", E::reads_session_views},
      {"SHOW TimeZone", E::reads_session_views},
      {"SELECT * FROM pg_class, pg_stats, pg_tables", kNothing},
  });
}

TEST(Verdict, OfTemporaryObjects) {
  const Effects temporary = kDdl | E::makes_temporary;
  expect({
      {"CREATE TEMP TABLE t (a int)", temporary},
      {"CREATE LOCAL TEMPORARY TABLE t (a int) ON COMMIT DROP", temporary},
      {"CREATE TABLE pg_temp.t (a int)", temporary},
      {"CREATE TABLE pg_temp_3.t (a int)", temporary},
      {"SELECT 1 AS a INTO TEMP t", temporary},
      {"SELECT 1 AS a INTO TEMP t UNION SELECT 2", temporary},
      {"CREATE TEMP TABLE t AS SELECT 1", temporary},
      {"CREATE TEMP VIEW v AS SELECT 1", temporary},
      {"CREATE TEMP SEQUENCE s", temporary},
      {"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", temporary},
      {"CREATE TYPE pg_temp.t AS ENUM ('a')", temporary},
      {"CREATE DOMAIN pg_temp.d AS int", temporary},
      {"CREATE AGGREGATE pg_temp.a (int) (sfunc = int4pl, stype = int)", temporary},
      {"SELECT 1 AS a INTO t", kDdl},
      {"SELECT * FROM pg_temp.t", kNothing},
      {"SELECT 'pg_temp'", kNothing},
      {"DROP TABLE t", kDdl | E::drops_objects},
      {"DROP FUNCTION f", kDdl | E::drops_objects},
      {"DROP SCHEMA s CASCADE", kDdl | E::drops_objects},
  });
}

TEST(Verdict, OfCode) {
  expect({
      {"DO 'x'", E::writes | E::runs_code},
      {"DO $$ BEGIN EXECUTE 'LISTEN x'; END $$", E::writes | E::runs_code | E::listens},
      {"SELECT 1; DO LANGUAGE plpgsql 'BEGIN LISTEN x; END'", E::writes | E::runs_code | E::listens},
      {"CALL p(now())", E::writes | E::runs_code | E::calls_unknown},
      {"SELECT query_to_xml('x', true, true, '')", E::runs_code},
      {"SELECT * FROM ts_stat('SELECT 1')", E::runs_code},
      {"CREATE EXTENSION x", kDdl | E::runs_code},
      {"SELECT f(1), pg_temp.lower('A') FROM s.g(1)", E::calls_unknown},
      {"SELECT * FROM t TABLESAMPLE system (1)", kNothing},
      {"SELECT * FROM t TABLESAMPLE rows (1)", E::calls_unknown},
  });
  EXPECT_EQ(analyse("SELECT f(1), \"F\"(lower('a')), s.g(f(2)); CALL p()").functions,
            (Names{"F", "f", "g", "p"}));
}

TEST(Verdict, KnowsFunctionsThatTheGrammarCalls) {
  expect(
      {{"SELECT extract(year FROM a), overlay(a PLACING b FROM 1), position(a IN b), substring(a FROM 1 FOR "
        "2), "
        "trim(BOTH a FROM b), a AT TIME ZONE b, (a, b) OVERLAPS (c, d), collation for (a), normalize(a), "
        "a IS NFC NORMALIZED, xmlexists(a PASSING b), a SIMILAR TO b, a LIKE b ESCAPE c, treat(a AS int), "
        "current_timestamp, localtime(2), current_user, current_schema, interval '1' day, "
        "percentile_cont(0.5) WITHIN GROUP (ORDER BY a), rank() OVER (), coalesce(a), nullif(a, b)",
        kNothing}});
}

TEST(Verdict, OfDdlThatMattersToOthers) {
  expect({
      {"CREATE TABLE t (a int)", kDdl},
      {"ALTER TABLE t ADD COLUMN a serial", kDdl | E::advances_sequence},
      {"ALTER TABLE t DROP COLUMN a", kDdl},
      {"GRANT SELECT ON t TO a", kDdl},
      {"GRANT a TO b", kDdl | E::changes_defaults},
      {"REVOKE a FROM b", kDdl | E::changes_defaults},
      {"ALTER ROLE a SUPERUSER", kDdl | E::changes_defaults},
      {"ALTER ROLE a RENAME TO b", kDdl | E::changes_defaults},
      {"DROP ROLE a", kDdl | E::changes_defaults},
      {"DROP DATABASE a", kDdl | E::changes_databases},
  });
  EXPECT_EQ(analyse("CREATE DATABASE a").databases, (Names{"a", "template1"}));
  EXPECT_EQ(analyse("CREATE DATABASE a TEMPLATE = 'b' OWNER c").databases, (Names{"a", "b"}));
  EXPECT_EQ(analyse("DROP DATABASE \"A\"; ALTER DATABASE b RENAME TO c; ALTER DATABASE d SET TABLESPACE e")
                .databases,
            (Names{"A", "b", "d"}));
}

TEST(Verdict, NamesRelations) {
  EXPECT_EQ(
      analyse("WITH w AS (SELECT * FROM s.a) INSERT INTO B SELECT * FROM w JOIN \"C\" ON true").relations,
      (Names{"C", "a", "b", "w"}));
  EXPECT_EQ(analyse("DROP TABLE s.a, b").relations, (Names{"a", "b"}));
  EXPECT_EQ(analyse("TRUNCATE a, b; COPY c FROM STDIN; LOCK d; ALTER TABLE e RENAME TO f").relations,
            (Names{"a", "b", "c", "d", "e"}));
}

TEST(Verdict, OfWhatCannotBeParsed) {
  for (std::string_view text : {"SELEC 1", "SELECT 'a", "SELECT 1a", "))", "SELECT $a", "SELECT \"\"",
                                "SELECT 1; SELEC", "CREATE ASSERTION a CHECK (true)"}) {
    EXPECT_EQ(analyse(text).effects, Effects(E::unparsable)) << text;
    EXPECT_EQ(analyse(text).statements, 0);
  }
  EXPECT_EQ(analyse(std::string_view("SELECT 1\0; SET a = 1", 20)).effects, Effects(E::unparsable));
  EXPECT_EQ(statement_effects("NoSuchStmt"), kDdl | E::runs_code);
}

TEST(Verdict, TakesBytesThatAreNoUtf8) {
  EXPECT_EQ(analyse("SELECT '\xff', \"a\xc3\" FROM \xe4").relations, Names{"\xe4"});
}

TEST(Verdict, ReadsMassesOfData) {
  std::string rows = "INSERT INTO t (a, b) VALUES (1, 'x')";
  for (int i = 0; i < 200'000; ++i) rows += ", (2, NULL)";
  EXPECT_EQ(analyse(rows).effects, kInsert);
  std::string list = "SELECT * FROM t WHERE a IN (1";
  for (int i = 0; i < 200'000; ++i) list += ", $" + std::to_string(i);
  EXPECT_EQ(analyse(list + ")").effects, kNothing);
}

std::string nested(std::string_view open, std::string_view close, std::size_t size) {
  std::string text = "SELECT ";
  std::string end;
  while (text.size() + end.size() < size) {
    text += open;
    end += close;
  }
  return text + "1" + end;
}

/// Runs `work` where going deeper than `stack_size` bytes ends the program.
template <class Work>
void run_on_stack(std::size_t stack_size, Work work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, stack_size), 0);
  pthread_t thread;
  auto run = [](void* argument) -> void* {
    (*static_cast<Work*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStack = 4 * 1024 * 1024;  // sanitizers make frames several times as large
#else
constexpr std::size_t kStack = 1024 * 1024;
#endif

TEST(Verdict, SurvivesDeepNestingOnASmallStack) {
  run_on_stack(kStack, [] {
    for (const auto& [open, close] : {std::pair{"(", ")"},
                                      {"-+ ", ""},
                                      {"NOT ", ""},
                                      {"f(", ")"},
                                      {"a[", "]"},
                                      {"(SELECT ", ")"},
                                      {"CASE WHEN 1 THEN ", " END"},
                                      {"1 IN (SELECT ", ")"},
                                      {"1+", ""},
                                      {"1 UNION SELECT ", ""},
                                      {"ROW(", ")"},
                                      {"1::int-", ""}}) {
      for (std::size_t size = 1000; size < 400'000; size = size * 7 / 4) {
        const Effects effects = analyse(nested(open, close, size)).effects;
        if (size > 150'000) {
          EXPECT_EQ(effects, Effects(E::unparsable)) << open << size;
        }
      }
    }
  });
}

// PostgreSQL's scanner takes quadratic time for these: seconds.
TEST(Verdict, RefusesLongRunsOfOperators) {
  EXPECT_EQ(analyse("SELECT " + std::string(100'000, '+') + "1").effects, Effects(E::unparsable));
  EXPECT_EQ(analyse("SELECT " + std::string(60, '+') + "1").effects, kNothing);
}

TEST(Verdict, OfOrdinaryNestingIsExact) {
  EXPECT_EQ(analyse(nested("(SELECT ", ")", 500)).effects, kNothing);
  EXPECT_EQ(analyse(nested("'a' || ", "", 3000)).effects, kNothing);
  EXPECT_EQ(analyse(nested("a = 1 OR ", "", 30'000)).effects, kNothing);
  EXPECT_EQ(analyse(nested("a, ", "", 30'000)).effects, kNothing);
}

TEST(Verdict, IsThreadSafe) {
  std::vector<std::jthread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 500; ++round) {
        EXPECT_EQ(analyse("INSERT INTO t SELECT f(1)").effects, kInsert | E::calls_unknown);
        EXPECT_EQ(analyse("SELEC").effects, Effects(E::unparsable));
      }
    });
  }
}

TEST(BuiltinFunctions, AreKnownByName) {
  EXPECT_EQ(builtin_function("lower"), Effects());
  EXPECT_EQ(builtin_function("nextval"), kInsert);
  EXPECT_EQ(builtin_function("RI_FKey_check_ins"), Effects());
  EXPECT_EQ(builtin_function("no_such_function"), std::nullopt);
  EXPECT_EQ(builtin_function(""), std::nullopt);
  EXPECT_EQ(builtin_function("zzz"), std::nullopt);
}

TEST(Verdict, NamesThatMayCallAFunctionOfSomebodyElse) {
  const auto calls = [](const char* text, const char* name) {
    const auto possible = analyse(text).possible_calls;
    return std::binary_search(possible.begin(), possible.end(), hash_of_name(name));
  };
  EXPECT_TRUE(calls("SELECT lower(77)", "lower"));
  EXPECT_TRUE(calls("SELECT t.tenant FROM t", "tenant"));
  EXPECT_TRUE(calls("SELECT (t).tenant FROM t", "tenant"));
  EXPECT_FALSE(calls("SELECT pg_catalog.lower(77)", "lower"));
  EXPECT_FALSE(calls("SELECT tenant FROM t", "tenant"));
}

}  // namespace
}  // namespace forebay::sql
