#include "sql/code_scan.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace forebay::sql {
namespace {

using E = Effect;
using Names = std::vector<std::string>;

constexpr Effects kNothing;

struct Expectation {
  const char* source;
  Effects effects;
};

void expect(std::initializer_list<Expectation> expectations) {
  for (const auto& [source, effects] : expectations) EXPECT_EQ(read_code(source).effects, effects) << source;
}

TEST(CodeScan, OrdinaryTriggersDoNothingToTheSession) {
  expect({
      {"BEGIN NEW.updated_at := now(); RETURN NEW; END", kNothing},
      {"BEGIN NEW.updated_at = CURRENT_TIMESTAMP; RETURN NEW; END;", kNothing},
      {"BEGIN UPDATE counts SET n = n + 1 WHERE id = NEW.id; RETURN NULL; END", kNothing},
      {"BEGIN PERFORM pg_notify('changes', NEW.id::text); RETURN NEW; END", kNothing},
      {"BEGIN IF NEW.v < 0 THEN RAISE EXCEPTION 'set v to a positive number'; END IF; RETURN NEW; END",
       kNothing},
      {"BEGIN NEW.tenant := current_setting('app.tenant', true); RETURN NEW; END", kNothing},
      {"BEGIN PERFORM set_config('app.busy', 'on', true); SET LOCAL work_mem = '8MB'; RETURN NEW; END",
       kNothing},
      {"BEGIN NEW.state := 'set'; NEW.kind = 'listen'; NEW.temp := 12; RETURN NEW; END", kNothing},
      {"BEGIN PERFORM pg_advisory_xact_lock(NEW.id); RETURN NEW; END", kNothing},
      {"SELECT id FROM t WHERE name = 'it''s'", kNothing},
      {"CREATE TRIGGER t AFTER INSERT ON x FOR EACH ROW EXECUTE FUNCTION f()", E::advances_sequence},
      {"BEGIN INSERT INTO audit (what) VALUES (TG_OP) ON CONFLICT (id) DO UPDATE SET n = 1; RETURN NEW; END",
       E::advances_sequence},
      {"nextval('t_id_seq'::regclass)", E::advances_sequence},
      {"((value > 0) AND (lower(name) = name))", kNothing},
  });
}

TEST(CodeScan, ThatChangesTheSession) {
  expect({
      {"BEGIN PERFORM set_config('app.tenant', NEW.id::text, false); RETURN NEW; END", E::runs_code},
      {"set_config('app.tenant'::text, 'x'::text, false)", E::runs_code},
      {"SELECT set_config(name, value, false)", E::runs_code | E::hides_state},
      {"SELECT set_config('app.' || name, value, false)", E::runs_code | E::hides_state},
      {"SELECT set_config('app.tenant', value, is_local)", E::runs_code},
      {"BEGIN SET work_mem = '8MB'; RETURN NEW; END", E::runs_code},
      {"BEGIN IF a THEN SET ROLE bob; END IF; END", E::runs_code},
      {"BEGIN EXECUTE 'SET app.tenant = 1'; END", E::runs_code},
      {"BEGIN EXECUTE format('SET app.%I = %L', a, b); END", E::runs_code | E::hides_state},
      {"BEGIN EXECUTE 'SET ' || what; END", E::runs_code | E::hides_state},
      {"BEGIN SET SESSION AUTHORIZATION bob; END", E::runs_code | E::sets_authorization},
      {"BEGIN RESET ALL; END", E::runs_code},
      {"BEGIN UPDATE pg_settings SET setting = '1' WHERE name = 'work_mem'; END", E::runs_code},
      {"BEGIN LISTEN news; END", E::listens},
      {"BEGIN EXECUTE 'LISTEN news'; END", E::listens},
      {"BEGIN PERFORM pg_advisory_lock(1); END", E::locks_session},
      {"SELECT pg_try_advisory_lock_shared(1)", E::locks_session},
      {"BEGIN CREATE TEMP TABLE IF NOT EXISTS t (id int); END", E::makes_temporary | E::runs_code},
      {"BEGIN CREATE TABLE pg_temp.t (id int); END", E::makes_temporary | E::runs_code},
      {"BEGIN EXECUTE 'PREPARE p AS SELECT 1'; END", E::prepares},
      {"BEGIN EXECUTE 'DECLARE c CURSOR WITH HOLD FOR SELECT 1'; END", E::holds_cursor},
      {"SELECT setseed(0.5)", E::seeds_random},
      {"BEGIN LOAD 'auto_explain'; END", E::loads_library},
      {"SELECT lastval()", E::reads_sequence_state},
      {"BEGIN EXECUTE sql; END", E::runs_code},
      {"BEGIN EXECUTE 'SELECT ' || name || '()'; END", E::runs_code},
      {"BEGIN x := 'half; END", E::runs_code},
  });
}

TEST(CodeScan, DynamicWritesNameNoRelation) {
  const CodeFacts facts =
      read_code("BEGIN EXECUTE format('DELETE FROM %I WHERE id = $1', part) USING NEW.id; END");
  EXPECT_EQ(facts.effects, kNothing);
  EXPECT_TRUE(facts.writes_anywhere);
  EXPECT_FALSE(read_code("BEGIN EXECUTE 'DELETE FROM t'; END").writes_anywhere);
}

TEST(CodeScan, NamesOfSettings) {
  EXPECT_EQ(read_code("BEGIN SET app.tenant = 1; PERFORM set_config('App.User', 'x', false); END").settings,
            (Names{"app.tenant", "app.user"}));
  EXPECT_EQ(read_code("SELECT set_config('app.tenant', 'x', true)").settings, Names());
  EXPECT_EQ(read_code("EXECUTE 'SET a.b.c TO 1'").settings, Names{"a.b.c"});
}

TEST(CodeScan, WordsOfStringsToo) {
  const CodeFacts facts = read_code("BEGIN EXECUTE 'SELECT Touch($1)' USING \"Some Name\"; END -- not_this");
  EXPECT_EQ(facts.words, (Names{"begin", "end", "execute", "select", "some name", "touch", "using"}));
}

}  // namespace
}  // namespace forebay::sql
