#include "sql/read_shape.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sql/fingerprint.hpp"

namespace forebay::sql {
namespace {

using Names = std::vector<std::string>;

std::string refusal(std::string_view text) {
  return read_shape(text).refusal;
}

Names relations(std::string_view text) {
  const auto shape = read_shape(text);
  EXPECT_EQ(shape.refusal, "") << text;
  return shape.relations;
}

/// "relation.column=$1", "relation.column=#0" for literals.
Names keys(std::string_view text) {
  const auto shape = read_shape(text);
  EXPECT_EQ(shape.refusal, "") << text;
  Names found;
  for (const auto& key : shape.keys) {
    EXPECT_TRUE((key.parameter > 0) == (key.literal < 0)) << text;
    found.push_back(
        key.relation + "." + key.column + "=" +
        (key.parameter > 0 ? "$" + std::to_string(key.parameter) : "#" + std::to_string(key.literal)));
  }
  return found;
}

TEST(ReadShape, TakesPlainReads) {
  for (const char* text : {
           "SELECT 1",
           "SELECT * FROM t;",
           "(SELECT a FROM t)",
           "TABLE t",
           "VALUES (1, 'a'), (2, 'b')",
           "SELECT a FROM t UNION ALL (SELECT b FROM u ORDER BY 1 LIMIT 3) EXCEPT TABLE v",
           "WITH x AS MATERIALIZED (SELECT 1 AS a) SELECT a FROM x",
           "SELECT DISTINCT ON (a) a, b[1:2], (c).d, ARRAY(SELECT 1), ROW(1, 2), NULL, true FROM ONLY t",
           "SELECT count(*) FILTER (WHERE a > 1) OVER (PARTITION BY b ORDER BY c ROWS 1 PRECEDING) FROM t",
           "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b)",
           "SELECT a, grouping(a) FROM t GROUP BY ROLLUP (a), CUBE (b), GROUPING SETS ((a), ()) HAVING true",
           "SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, coalesce(a, 0), nullif(a, b), greatest(a, b) FROM t",
           "SELECT a FROM t WHERE b BETWEEN 1 AND 2 AND c IS NOT NULL AND d IS NOT TRUE AND NOT e",
           "SELECT a FROM t WHERE b IN (SELECT c FROM u) AND EXISTS (SELECT FROM v) AND d > ALL (SELECT 1)",
           "SELECT a COLLATE \"C\" FROM t ORDER BY a USING < NULLS LAST OFFSET 1 FETCH FIRST 2 ROWS ONLY",
           "SELECT g FROM generate_series(1, 2) WITH ORDINALITY AS g, ROWS FROM (f(1), g(2)) AS x",
           "SELECT * FROM t NATURAL JOIN u CROSS JOIN LATERAL (SELECT 1) AS x FULL JOIN v USING (a)",
           "SELECT extract(year FROM a), position('a' IN b), trim(c), a AT TIME ZONE 'UTC', "
           "overlay(a PLACING b FROM 1) FROM t",
           "SELECT interval '1' day, '1'::int4, CAST(a AS numeric(10, 2)), b::text[] FROM t",
           "SELECT f(a => 1, VARIADIC ARRAY[1])",
       }) {
    EXPECT_EQ(refusal(text), "") << text;
  }
}

TEST(ReadShape, RefusesWhatIsNotOneRead) {
  EXPECT_EQ(refusal(""), "it has no statement");
  EXPECT_EQ(refusal(" ; "), "it has no statement");
  EXPECT_EQ(refusal("SELECT 1; SELECT 2"), "it has several statements");
  EXPECT_EQ(refusal("SELECT 1; DELETE FROM t"), "it has several statements");
  EXPECT_EQ(refusal("SELECT 'a"), "its text is broken or too long to be looked at");
  EXPECT_EQ(refusal("SELEC 1"), "PostgreSQL's grammar does not take it");
  for (const char* text :
       {"INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "BEGIN", "SET a = 1",
        "CREATE TABLE t (a int)", "COPY t TO STDOUT", "CALL p()", "DECLARE c CURSOR FOR SELECT 1", "FETCH c",
        "EXECUTE p", "PREPARE p AS SELECT 1", "CREATE TABLE t AS SELECT 1", "LOCK t", "TRUNCATE t",
        "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE"}) {
    EXPECT_EQ(refusal(text), "it is not a read") << text;
  }
  EXPECT_EQ(refusal("EXPLAIN SELECT 1"), "plans differ from time to time");
  EXPECT_EQ(refusal("SHOW work_mem"), "it shows a setting");
}

TEST(ReadShape, RefusesReadsThatDoMore) {
  EXPECT_EQ(refusal("SELECT 1 INTO t"), "it makes a table");
  EXPECT_EQ(refusal("SELECT a INTO TEMP x FROM t UNION SELECT 1"), "it makes a table");
  for (const char* text : {"SELECT a FROM t FOR UPDATE", "SELECT a FROM t FOR KEY SHARE SKIP LOCKED",
                           "(SELECT a FROM t) FOR SHARE", "SELECT 1 FROM (SELECT a FROM t FOR UPDATE) x",
                           "SELECT 1 WHERE EXISTS (SELECT FROM t FOR NO KEY UPDATE)",
                           "SELECT 1 UNION (SELECT a FROM t FOR UPDATE)"}) {
    EXPECT_EQ(refusal(text), "it locks rows") << text;
  }
  for (const char* text : {"WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x",
                           "SELECT 1 FROM (WITH x AS (UPDATE t SET a = 1 RETURNING a) SELECT a FROM x) y",
                           "WITH x AS (INSERT INTO t VALUES (1)) SELECT 1"}) {
    EXPECT_EQ(refusal(text), "it writes") << text;
  }
}

TEST(ReadShape, RefusesWhatDiffersFromCallToCall) {
  for (const char* word :
       {"current_date", "current_time", "current_timestamp(3)", "localtime", "localtimestamp", "current_user",
        "session_user", "user", "current_role", "current_catalog", "current_schema"}) {
    EXPECT_NE(refusal(std::string("SELECT a FROM t WHERE b = ") + word), "") << word;
    EXPECT_NE(refusal(std::string("SELECT * FROM ") + word), "") << word;
  }
  EXPECT_NE(refusal("SELECT a FROM t TABLESAMPLE bernoulli (1)"), "");
  EXPECT_NE(refusal("SELECT xmlelement(name a)"), "");
  EXPECT_NE(refusal("SELECT x.* FROM t, XMLTABLE('/a' PASSING b COLUMNS c int) x"), "");
  EXPECT_NE(refusal("SELECT * FROM json_to_record('{}') AS x(a date)"), "");
  EXPECT_NE(
      refusal("WITH RECURSIVE x AS (SELECT 1 AS a UNION ALL SELECT a FROM x) CYCLE a SET b USING c SELECT 1"),
      "");
}

TEST(ReadShape, RefusesWhatChangesUnseen) {
  for (const char* column : {"ctid", "xmin", "xmax", "cmin", "cmax"}) {
    EXPECT_NE(refusal(std::string("SELECT ") + column + " FROM t"), "") << column;
    EXPECT_NE(refusal(std::string("SELECT x.") + column + " FROM t x"), "") << column;
    EXPECT_NE(refusal(std::string("SELECT (x).") + column + " FROM t x"), "") << column;
  }
  EXPECT_EQ(refusal("SELECT * FROM pg_catalog.pg_class"), "it reads pg_catalog");
  EXPECT_EQ(refusal("SELECT * FROM information_schema.tables"), "it reads information_schema");
  EXPECT_EQ(refusal("SELECT * FROM pg_temp.t"), "it reads pg_temp");
}

TEST(ReadShape, NamesRelations) {
  EXPECT_EQ(relations("SELECT (SELECT max(a) FROM s.b) FROM A, ONLY \"C\" x WHERE EXISTS (TABLE d) "
                      "UNION SELECT 1 FROM e JOIN (SELECT * FROM f) g ON true"),
            (Names{"C", "a", "b", "d", "e", "f"}));
  EXPECT_EQ(relations("SELECT 1"), Names());
}

TEST(ReadShape, KnowsTheNamesThatWithGives) {
  EXPECT_EQ(relations("WITH a AS (SELECT 1) SELECT * FROM a"), Names());
  EXPECT_EQ(relations("WITH a AS (SELECT 1) SELECT * FROM s.a"), Names{"a"});
  EXPECT_EQ(relations("WITH a AS (SELECT * FROM a) SELECT * FROM a"), Names{"a"});
  EXPECT_EQ(relations("WITH RECURSIVE a AS (SELECT * FROM a) SELECT * FROM a"), Names());
  EXPECT_EQ(relations("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) TABLE b"), Names{"b"});
  EXPECT_EQ(relations("WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT * FROM c) TABLE a"), Names{"c"});
  EXPECT_EQ(relations("SELECT * FROM (WITH a AS (SELECT 1) TABLE a) x, a"), Names{"a"});
  EXPECT_EQ(relations("SELECT * FROM a, (WITH a AS (SELECT 1) TABLE a) x"), Names{"a"});
  EXPECT_EQ(relations("(WITH a AS (SELECT 1) TABLE a) UNION TABLE a"), Names{"a"});
  EXPECT_EQ(relations("WITH a AS (SELECT 1) SELECT (SELECT x FROM a) UNION TABLE a"), Names());
  EXPECT_EQ(relations("WITH a AS (WITH b AS (SELECT 1) TABLE b) SELECT * FROM a, b"), Names{"b"});
}

TEST(ReadShape, NamesFunctionsOperatorsTypesAndFields) {
  const auto shape = read_shape(
      "SELECT lower(x.a), pg_catalog.COUNT(*), (b).c, x.d.e, f[1], x.*, '1'::int, a::s.mood, -a, "
      "a OPERATOR(s.@@) b, a IS DISTINCT FROM b, a LIKE 'x', sum(a) OVER () FROM t x "
      "WHERE a BETWEEN 1 AND 2 AND a = ANY (SELECT 1) ORDER BY a USING ~<~");
  EXPECT_EQ(shape.refusal, "");
  EXPECT_EQ(shape.functions, (Names{"count", "lower", "sum"}));
  EXPECT_EQ(shape.operators, (Names{"-", "<", "<=", "=", ">", ">=", "@@", "~<~", "~~"}));
  EXPECT_EQ(shape.types, (Names{"int4", "mood"}));
  EXPECT_EQ(shape.fields, (Names{"a", "e"}));
  EXPECT_EQ(shape.attributes, (Names{"c"}));
}

TEST(ReadShape, AnyFieldMayBeACallWhereAFunctionStandsInFrom) {
  EXPECT_EQ(read_shape("SELECT g.pg_sleep FROM generate_series(1, 2) g").attributes, Names{"pg_sleep"});
  EXPECT_EQ(read_shape("SELECT t.age FROM t").attributes, Names());
}

TEST(ReadShape, RefusesNamesThatAreNotAscii) {
  EXPECT_NE(refusal("SELECT * FROM t\xC3\xA4gliche"), "");
  EXPECT_NE(refusal("SELECT \xC3\xA4()"), "");
  EXPECT_EQ(refusal("SELECT a AS \"gr\xC3\xB6\xC3\x9F"
                    "e\" FROM t"),
            "");
}

Names computed(std::string_view text) {
  const auto shape = read_shape(text);
  EXPECT_EQ(shape.refusal, "") << text;
  Names found;
  for (const auto& cast : shape.computed_casts)
    found.push_back(cast.type + ":" + cast.column + ":" + cast.function);
  return found;
}

TEST(ReadShape, TellsWhatIsCast) {
  EXPECT_EQ(computed("SELECT '2020-01-01'::date, $1::date, date '2020-01-01', $2::text::date, NULL::date"),
            Names());
  EXPECT_EQ(computed("SELECT a::date, t.b::timestamp::date FROM t"), (Names{"date:a:", "timestamp:b:"}));
  EXPECT_EQ(computed("SELECT date_trunc('day', a)::date FROM t"), Names{"date::date_trunc"});
  EXPECT_EQ(computed("SELECT ('to' || 'day')::date"), Names{"date::"});
  EXPECT_EQ(computed("SELECT a::text::date FROM t"), (Names{"date::", "text:a:"}));
  EXPECT_EQ(computed("SELECT a::date[]::date FROM t"), (Names{"date::", "date:a:"}));
}

TEST(ReadShape, AColumnThatMayBeRenamedIsNoColumn) {
  for (const char* text : {
           "SELECT a::date FROM (SELECT b AS a FROM t) x",
           "SELECT a::date FROM t AS x(a)",
           "WITH x(a) AS (SELECT b FROM t) SELECT a::date FROM x",
           "SELECT a::date FROM (SELECT a() FROM t) x",
           "SELECT a::date FROM t, unnest(b) a",
           "SELECT a::date FROM t, json_each(b)",
           "SELECT column1::date FROM (VALUES (lower('TODAY'))) x",
           "SELECT \"coalesce\"::date FROM (SELECT coalesce(b) FROM t) x",
       }) {
    EXPECT_EQ(computed(text), Names{"date::"}) << text;
  }
  EXPECT_EQ(computed("SELECT text::date FROM (SELECT 'a'::text) x"), Names{"date::"});
  EXPECT_EQ(computed("SELECT a::date FROM (SELECT a FROM t) x"), Names{"date:a:"});
}

TEST(ReadShape, FindsKeys) {
  EXPECT_EQ(keys("SELECT * FROM t WHERE id = $1"), Names{"t.id=$1"});
  EXPECT_EQ(keys("SELECT * FROM t WHERE $2 = id"), Names{"t.id=$2"});
  EXPECT_EQ(keys("SELECT * FROM s.T AS x WHERE x.ID = 5"), Names{"t.id=#0"});
  EXPECT_EQ(keys("SELECT 'a', 1.5 FROM t WHERE t.id = 'b'"), Names{"t.id=#2"});
  EXPECT_EQ(keys("SELECT * FROM t WHERE (a > 1 AND (id = 7 AND b = $3)) AND c"),
            (Names{"t.id=#1", "t.b=$3"}));
  EXPECT_EQ(keys("SELECT t.a, u.b FROM t, u WHERE t.id = $1 AND u.id = $2"), (Names{"t.id=$1", "u.id=$2"}));
  EXPECT_EQ(keys("SELECT * FROM t JOIN u ON t.a = u.a WHERE t.id = $1"), Names{"t.id=$1"});
  EXPECT_EQ(keys("SELECT * FROM t LEFT JOIN u USING (a) WHERE t.id = $1 AND u.id = $2"), Names{"t.id=$1"});
  EXPECT_EQ(keys("SELECT * FROM t RIGHT JOIN u USING (a) WHERE t.id = $1 AND u.id = $2"), Names{"u.id=$2"});
  EXPECT_EQ(keys("SELECT * FROM t, (SELECT 1) x WHERE t.id = $1"), Names{"t.id=$1"});
  EXPECT_EQ(keys("WITH x AS (TABLE u) SELECT * FROM t, x WHERE t.id = $1"), Names{"t.id=$1"});
}

TEST(ReadShape, CountsLiteralsInLongListsRight) {
  std::string list = "0";
  for (int i = 1; i < 50; ++i) list += ", " + std::to_string(i);
  EXPECT_EQ(keys("SELECT * FROM t WHERE a IN (" + list + ") AND id = 9"), Names{"t.id=#50"});
  EXPECT_EQ(keys("SELECT * FROM t WHERE a IN (" + list + ", 50) AND id = 9"), Names{"t.id=#51"});
}

TEST(ReadShape, FindsNoKeysWhereOtherRowsMayMatter) {
  for (const char* text : {
           "SELECT * FROM t WHERE id = $1 OR a = 1",
           "SELECT * FROM t WHERE NOT id = $1",
           "SELECT * FROM t WHERE (id = $1) IS NULL",
           "SELECT * FROM t WHERE id > $1",
           "SELECT * FROM t WHERE id <> 5",
           "SELECT * FROM t WHERE id IS NOT DISTINCT FROM $1",
           "SELECT * FROM t WHERE id OPERATOR(s.=) $1",
           "SELECT * FROM t WHERE id OPERATOR(pg_catalog.=) $1",
           "SELECT * FROM t WHERE id = $1::int",
           "SELECT * FROM t WHERE id = -5",
           "SELECT * FROM t WHERE id = - 5",
           "SELECT * FROM t WHERE -id = 5",
           "SELECT * FROM t WHERE id = $1 + 1",
           "SELECT * FROM t WHERE id = ANY ($1)",
           "SELECT * FROM t WHERE id IN (5)",
           "SELECT * FROM t WHERE id = a",
           "SELECT * FROM t WHERE id = NULL",
           "SELECT * FROM t WHERE id = true",
           "SELECT * FROM t WHERE id = B'1'",
           "SELECT * FROM t WHERE id = E'a'",
           "SELECT * FROM t WHERE id = N'a'",
           "SELECT * FROM t WHERE id = U&'a'",
           "SELECT * FROM t WHERE id::text = 'a'",
           "SELECT * FROM t WHERE id COLLATE \"x\" = 'a'",
           "SELECT * FROM t WHERE id = $1 COLLATE \"x\"",
           "SELECT * FROM t WHERE (id, a) = ($1, $2)",
           "SELECT * FROM t WHERE s.t.id = $1",
           "SELECT * FROM t WHERE (t).id = $1",
           "SELECT * FROM t WHERE id[1] = $1",
           "SELECT * FROM t AS x WHERE t.id = $1",
           "SELECT * FROM t AS x(a, id) WHERE id = $1",
           "SELECT * FROM t AS x(a, id) WHERE x.id = $1",
           "SELECT * FROM t, u WHERE id = $1",
           "SELECT * FROM t, (SELECT 1) x WHERE id = $1",
           "SELECT * FROM t, f() WHERE id = $1",
           "SELECT * FROM t JOIN u USING (id) WHERE id = $1",
           "SELECT * FROM (t JOIN u USING (a)) x WHERE t.id = $1",
           "SELECT * FROM (u JOIN t USING (id)) AS t WHERE t.id = $1",
           "SELECT * FROM t JOIN u USING (id) AS t WHERE t.id = $1",
           "SELECT * FROM t FULL JOIN u USING (a) WHERE t.id = $1",
           "SELECT * FROM u LEFT JOIN (t JOIN v ON true) ON true WHERE t.id = $1",
           "SELECT * FROM t JOIN u ON t.id = $1",
           "SELECT * FROM t, t x WHERE t.id = $1",
           "SELECT * FROM t, s.t WHERE t.id = $1",
           "SELECT *, (SELECT max(id) FROM t) FROM t WHERE id = $1",
           "SELECT * FROM t WHERE id = $1 AND a = (SELECT max(a) FROM t x)",
           "SELECT * FROM t WHERE id = $1 UNION SELECT * FROM u",
           "SELECT * FROM (SELECT * FROM t WHERE id = $1) x",
           "SELECT * FROM u WHERE EXISTS (SELECT FROM t WHERE id = $1)",
           "WITH t AS (SELECT 1 AS id) SELECT * FROM t WHERE id = $1",
           "WITH t AS (TABLE u) SELECT * FROM s.t WHERE id = $1",
           "WITH x AS (TABLE t) SELECT * FROM t WHERE id = $1",
           "SELECT count(*) FROM t HAVING max(id) = $1",
           "SELECT count(*) FILTER (WHERE id = $1) FROM t",
           "SELECT id = $1 FROM t",
       }) {
    EXPECT_EQ(keys(text), Names()) << text;
  }
}

TEST(ReadShape, IsEqualForEqualFingerprints) {
  const std::vector<std::vector<std::string>> alike = {
      {"SELECT * FROM t WHERE a = 'x' AND id = 5", "SELECT * /* c */ FROM t\nWHERE a = '' AND id = 99999"},
      {"SELECT E'\\'', 1.5 FROM t WHERE id = $$a$$", "SELECT E'', 1e10 FROM t WHERE id = 'today'"},
      {"SELECT a FROM t LIMIT 5", "SELECT a FROM t LIMIT 10 -- c"},
  };
  for (const auto& texts : alike) {
    for (const auto& text : texts) {
      EXPECT_EQ(fingerprint(text), fingerprint(texts[0])) << text;
      EXPECT_EQ(read_shape(text), read_shape(texts[0])) << text;
    }
  }
  EXPECT_NE(read_shape("SELECT * FROM t WHERE id = $1"), read_shape("SELECT * FROM t WHERE id = $2"));
}

TEST(ReadShape, BearsAnything) {
  std::string deep = "SELECT ";
  for (int i = 0; i < 3000; ++i) deep += "- (";
  EXPECT_NE(refusal(deep), "");
  std::string joins = "SELECT * FROM t";
  for (int i = 0; i < 900; ++i) joins += " JOIN u ON a";
  read_shape(joins + " WHERE t.id = 1");
  std::string conditions = "SELECT * FROM t WHERE id = 1";
  for (int i = 0; i < 3000; ++i) conditions += " AND a = 1";
  EXPECT_EQ(keys(conditions).size(), 3001U);
  EXPECT_NE(refusal(std::string("SELECT 1\0", 9)), "");
  EXPECT_NE(refusal(std::string(200000, 'a')), "");
}

TEST(LiteralsOf, GivesThemAsTheyStand) {
  const auto literals =
      literals_of("SELECT 1, 'a''b', E'c', $$d$$, N'e', B'1', X'f', U&'g', 2.5, $1, true -- 'h'");
  EXPECT_EQ(literals, (std::vector<std::string_view>{"1", "'a''b'", "E'c'", "$$d$$", "N'e'", "B'1'", "X'f'",
                                                     "U&'g'", "2.5"}));
}

TEST(SpeaksOfToday, FindsTheWords) {
  for (const char* value :
       {"now", "TODAY", "'tomorrow'", "Yesterday 04:05", "today allballs", "{now,2020-01-01}",
        "[today,tomorrow)", "10now", "now10", "(now)", "04:05:06.5now", "\"now\"", "E'now'", "$$now$$",
        "it is now", "E'\\now'", "E'x\\ttoday'", "\tnow"}) {
    EXPECT_TRUE(speaks_of_today(value)) << value;
  }
}

TEST(SpeaksOfToday, MistrustsWhatMayHideThem) {
  for (const char* value :
       {"'to'\n'day'", "'to' -- c\n 'day'", "'to'\r'day'", "E'\\x74oday'", "E't\\oday'", "E'\\164oday'",
        "E'\\u0074oday'", "E'to\\day'", "U&'\\0074oday'", "U&'!0074oday'", "u&'a'", "e'n\\o\\w'"}) {
    EXPECT_TRUE(speaks_of_today(value)) << value;
  }
}

TEST(SpeaksOfToday, LetsOthersPass) {
  for (const char* value : {"", "know", "'Snow'", "nowhere", "2020-01-01", "'it''s'", "E'it\\'s'", "E'a\\nb'",
                            "E'C:\\\\x'", "todays", "noww", "infinity", "epoch", "'a\nb'", "5", "'", "E'"}) {
    EXPECT_FALSE(speaks_of_today(value)) << value;
  }
}

}  // namespace
}  // namespace forebay::sql
