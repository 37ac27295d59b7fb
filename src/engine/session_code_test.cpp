#include "engine/session_code.hpp"

#include <gtest/gtest.h>

#include "sql/verdict.hpp"

namespace forebay::engine {
namespace {

using E = sql::Effect;
using sql::Effects;

wire::Row row(const char* site, const char* name, const char* language, const char* source) {
  return {std::string(site), std::string(name), std::string(language), std::string(source)};
}

Effects reached(const SessionCode& code, const char* statement) {
  return code.effects_of(sql::analyse(statement));
}

const wire::Row kSetter = row("function", "setter", "plpgsql",
                              "BEGIN PERFORM set_config('app.tenant', 'x', false); RETURN NEW; END");

TEST(SessionCode, OrdinaryCodeIsNoCodeAtAll) {
  const SessionCode code({
      row("function", "touch", "plpgsql", "BEGIN NEW.updated_at := now(); RETURN NEW; END"),
      row("write", "t", "sql", " FOR EACH ROW EXECUTE FUNCTION touch()"),
      row("write", "t", "default", "nextval('t_id_seq'::regclass)"),
      row("write", "t", "sql", "CHECK ((n > 0))"),
      row("write", "parent", "relation", "t"),
      row("read", "v", "sql", " SELECT t.id FROM t;"),
      row("read", "t", "sql", "(tenant = current_setting('app.tenant'::text))"),
  });
  EXPECT_TRUE(code.empty());
}

TEST(SessionCode, TriggerConcernsWritesOnly) {
  const SessionCode code({kSetter, row("write", "t", "sql", " FOR EACH ROW EXECUTE FUNCTION setter()")});
  EXPECT_FALSE(code.empty());
  EXPECT_EQ(reached(code, "INSERT INTO t VALUES (1)"), E::runs_code);
  EXPECT_EQ(reached(code, "COPY t FROM STDIN"), E::runs_code);
  EXPECT_EQ(reached(code, "SELECT * FROM t"), Effects());
  EXPECT_EQ(reached(code, "INSERT INTO u VALUES (1)"), Effects());
  EXPECT_EQ(code.settings(), std::vector<std::string>{"app.tenant"});
}

TEST(SessionCode, IsFollowedThroughFunctionsViewsAndOtherRelations) {
  const SessionCode code({
      row("function", "middle", "sql", "SELECT Setter()"),
      kSetter,
      row("read", "inner_view", "sql", " SELECT middle() AS n;"),
      row("read", "outer_view", "sql", " SELECT inner_view.n FROM inner_view;"),
      row("write", "child", "sql", "CHECK ((middle() > 0))"),
      row("write", "parent", "relation", "child"),
      row("write", "grandparent", "relation", "parent"),
      row("function", "writer", "plpgsql", "BEGIN DELETE FROM grandparent; END"),
  });
  EXPECT_EQ(reached(code, "SELECT * FROM outer_view"), E::runs_code);
  EXPECT_EQ(reached(code, "DELETE FROM grandparent"), E::runs_code);
  EXPECT_EQ(reached(code, "SELECT writer()"), E::runs_code);
  EXPECT_EQ(reached(code, "SELECT * FROM grandparent"), Effects());
}

TEST(SessionCode, RelationsAreFoundUnderNamesWithCapitals) {
  const SessionCode code({kSetter, row("write", "Users", "sql", " FOR EACH ROW EXECUTE FUNCTION setter()")});
  EXPECT_EQ(reached(code, "UPDATE \"Users\" SET id = 1"), E::runs_code);
}

TEST(SessionCode, SequencesAreKnownByNameAndThroughViews) {
  const SessionCode code({
      row("sequence", "T_id_seq", "", ""),
      row("write", "t", "default", "T_id_seq nextval"),
      row("read", "numbers", "sql", "T_id_seq"),
      row("read", "outer_view", "sql", "numbers"),
      row("read", "v", "sql", "t"),
  });
  EXPECT_TRUE(code.empty());
  EXPECT_TRUE(code.has_sequences());
  for (const char* read : {"SELECT * FROM \"T_id_seq\"", "TABLE numbers", "SELECT n FROM t, outer_view"})
    EXPECT_TRUE(code.reads_sequence(sql::analyse(read))) << read;
  for (const char* read : {"SELECT * FROM t", "SELECT * FROM v", "SELECT 1"})
    EXPECT_FALSE(code.reads_sequence(sql::analyse(read))) << read;
}

TEST(SessionCode, BehindOperatorsEveryStatementIsConcerned) {
  const SessionCode code({kSetter, row("anywhere", "", "sql", "setter")});
  EXPECT_EQ(reached(code, "SELECT 1"), E::runs_code);
}

TEST(SessionCode, EventTriggersConcernSchemaChanges) {
  const SessionCode code({kSetter, row("ddl", "", "sql", "setter")});
  EXPECT_EQ(reached(code, "CREATE TABLE t (id int)"), E::runs_code);
  EXPECT_EQ(reached(code, "INSERT INTO t VALUES (1)"), Effects());
}

TEST(SessionCode, OtherLanguagesCannotBeRead) {
  const SessionCode code({
      row("function", "mystery", "plperl", "return 1;"),
      row("write", "t", "sql", " FOR EACH ROW EXECUTE FUNCTION mystery()"),
  });
  EXPECT_EQ(reached(code, "INSERT INTO t VALUES (1)"), E::runs_code);
}

TEST(SessionCode, NumbersDrawnByTriggersCount) {
  const SessionCode code({
      row("function", "audit", "plpgsql", "BEGIN INSERT INTO log (what) VALUES (TG_OP); RETURN NEW; END"),
      row("write", "t", "sql", " FOR EACH ROW EXECUTE FUNCTION audit()"),
  });
  EXPECT_EQ(reached(code, "UPDATE t SET id = 1"), E::advances_sequence);
}

TEST(SessionCode, WritesToRelationsUnknownReachAllOfThem) {
  const SessionCode code({
      row("function", "route", "plpgsql", "BEGIN EXECUTE format('DELETE FROM %I', part); RETURN NULL; END"),
      row("write", "routed", "sql", " FOR EACH ROW EXECUTE FUNCTION route()"),
      kSetter,
      row("write", "other", "sql", " FOR EACH ROW EXECUTE FUNCTION setter()"),
  });
  EXPECT_EQ(reached(code, "DELETE FROM routed"), E::runs_code);
}

TEST(SessionCode, WhatNothingRemovesIsToldApart) {
  const SessionCode code({
      row("function", "seed", "sql", "SELECT setseed(0.5)"),
      row("function", "set_any", "sql", "SELECT set_config(name, value, false)"),
      row("read", "v", "sql", " SELECT seed(), set_any('a', 'b');"),
  });
  EXPECT_EQ(reached(code, "TABLE v"), E::seeds_random | E::runs_code | E::hides_state);
}

TEST(SessionCode, FunctionsThatLookLikePostgresqlsOwnOrLikeColumnsAreSeen) {
  const SessionCode code(
      {row("function", "lower", "plpgsql", "BEGIN PERFORM set_config('a.b', 'x', false); END"),
       row("function", "bump", "sql", "UPDATE t SET n = n + 1 RETURNING n"),
       row("function", "full_name", "sql", "SELECT $1.first || $1.last"), row("lookalike", "lower", "", ""),
       row("lookalike", "bump", "", ""), row("lookalike", "full_name", "", "")});
  EXPECT_FALSE(code.empty());
  EXPECT_TRUE(reached(code, "SELECT lower(77)").has(E::runs_code));
  EXPECT_TRUE(reached(code, "SELECT t.bump FROM t").has(E::calls_unknown));
  EXPECT_EQ(reached(code, "SELECT u.full_name FROM u"), Effects()) << "it only reads";
  EXPECT_EQ(reached(code, "SELECT upper('a'), u.id FROM u"), Effects());
}

TEST(SessionCode, AViewOrAPolicyThatCallsWhatWritesIsNoPlainRead) {
  const SessionCode code({row("function", "log", "sql", "INSERT INTO journal VALUES ($1) RETURNING 1"),
                          row("function", "middle", "plpgsql", "BEGIN RETURN log('x'); END"),
                          row("function", "pure", "sql", "SELECT 1"), row("read", "written", "sql", "middle"),
                          row("read", "plain", "sql", "pure")});
  EXPECT_TRUE(reached(code, "SELECT * FROM written").has(E::runs_code));
  EXPECT_EQ(reached(code, "SELECT * FROM plain"), Effects());
  EXPECT_EQ(reached(code, "SELECT 1"), Effects());
}

}  // namespace
}  // namespace forebay::engine
