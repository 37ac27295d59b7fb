#include "world.hpp"
#include "write_steps.hpp"

namespace checker {

namespace {

/// `one` row, read by its number.
std::string row_of(const std::string& table) {
  return "SELECT n, v FROM " + table + " WHERE n = {n}";
}

Family replaced(const std::string& table, std::vector<std::string> texts, const char* path) {
  return {.table = table,
          .reads = {row_of(table), "SELECT n, v FROM " + table},
          .paths = {script(path, std::move(texts))},
          .obeys_snapshots = false};
}

Family coming_and_going(const std::string& table, Path comes, Path goes) {
  return {.table = table,
          .reads = {row_of(table), "SELECT n, v FROM " + table},
          .paths = {std::move(goes)},
          .odd_paths = {std::move(comes)},
          .obeys_snapshots = false};
}

Family right(const std::string& table, const char* given, const char* taken) {
  Family family = coming_and_going(table, script(given, {given}), script(taken, {taken}));
  family.for_limited = true;
  return family;
}

Family pairs() {
  const std::string left = "UPDATE pair_left SET v = {v} WHERE n = {n} AND v < {v}";
  const std::string right = "UPDATE pair_right SET v = {v} WHERE n = {n} AND v < {v}";
  Family family{.table = "pair_left", .registers = 8};
  family.reads = {
      "SELECT l.n, l.v, r.v FROM pair_left l JOIN pair_right r ON r.n = l.n WHERE l.n = {n}",
      "SELECT n, v FROM pair_left WHERE n = {n} UNION ALL SELECT n, v FROM pair_right WHERE n = {n}",
      "SELECT n, v, (SELECT r.v FROM pair_right r WHERE r.n = l.n) FROM pair_left l WHERE n = {n}",
      "SELECT l.n, l.v, r.v FROM pair_left l JOIN pair_right r ON r.n = l.n ORDER BY l.n",
      "SELECT n, v FROM pair_right WHERE n = {n}",
  };
  family.paths = {
      script("two rows", {"BEGIN", left, right, "COMMIT"}),
      script("two rows in one text", {"BEGIN; " + left + "; " + right + "; COMMIT"}),
      script("two rows by WITH", {"WITH a AS (" + left + ") " + right}),
      script("two rows by DO", {"DO $do$ BEGIN " + left + "; " + right + "; END $do$"}),
      two_phase("two rows in two phases", {left, right}, true),
  };
  return family;
}

Family bulk() {
  return {.table = "bulk",
          .reads = {"SELECT n, v FROM bulk WHERE id IN (1, 2500, 5000)",
                    "SELECT n, min(v), max(v) FROM bulk GROUP BY n", "SELECT n, v FROM bulk WHERE id = 77"},
          .paths = {script("5,000 rows", {"UPDATE bulk SET v = {v} WHERE v < {v}"})}};
}

Family appended() {
  const auto copy = [](const Attempt& attempt) {
    const Answer answer =
        attempt.session.copy("COPY appended (n, v) FROM STDIN", filled("{n}\t{v}\n", attempt));
    if (answer.ok()) return Outcome{Fate::committed, attempt.session.route()};
    return Outcome{fate_of(attempt.session, answer), attempt.session.route()};
  };
  return {.table = "appended",
          .registers = 4,
          .reads = {"SELECT n, max(v) FROM appended WHERE n = {n} GROUP BY n",
                    "SELECT n, v FROM appended WHERE n = {n} ORDER BY v DESC LIMIT 1"},
          .paths = {{"COPY", copy},
                    script("INSERT", {"INSERT INTO appended (n, v) VALUES ({n}, {v})"}),
                    script("INSERT from SELECT",
                           {"INSERT INTO appended (n, v) SELECT n, {v} FROM names WHERE n = {n}"})}};
}

std::vector<Family> schema() {
  Family function{
      .table = "function_text",
      .reads = {"SELECT n, function_text() FROM names WHERE n = {n}"},
      .paths = {
          script("CREATE OR REPLACE FUNCTION",
                 {"CREATE OR REPLACE FUNCTION public.function_text() RETURNS bigint LANGUAGE sql IMMUTABLE"
                  " AS 'SELECT {v}::bigint'"})}};
  function.obeys_snapshots = false;
  function.runs_code = true;
  function.prepared_is_safe = false;  // an immutable function's value is part of the plan
  Family shadowed = coming_and_going(
      "shadowed",
      script("CREATE TABLE before it in search_path",
             {"CREATE TABLE first.shadowed AS SELECT 1 AS n, {v}::bigint AS v"}),
      script("DROP TABLE before it in search_path", {"DROP TABLE IF EXISTS first.shadowed"}));
  shadowed.prepared_is_safe = false;  // https://www.postgresql.org/docs/15/sql-prepare.html, Notes
  return {
      function,
      replaced(
          "view_text",
          {"CREATE OR REPLACE VIEW public.view_text AS SELECT n, {v}::bigint AS v FROM names WHERE n = {n}"},
          "CREATE OR REPLACE VIEW"),
      replaced("rewritten", {"ALTER TABLE rewritten ALTER COLUMN v TYPE bigint USING {v}"},
               "ALTER COLUMN … USING"),
      replaced("swapped",
               {"BEGIN", "UPDATE swapped_spare SET v = {v}", "ALTER TABLE swapped RENAME TO swapped_third",
                "ALTER TABLE swapped_spare RENAME TO swapped",
                "ALTER TABLE swapped_third RENAME TO swapped_spare", "COMMIT"},
               "ALTER TABLE … RENAME"),
      replaced("recreated",
               {"BEGIN", "DROP TABLE recreated",
                "CREATE TABLE public.recreated AS SELECT 1 AS n, {v}::bigint AS v", "COMMIT"},
               "DROP TABLE and CREATE TABLE AS"),
      replaced(
          "refreshed",
          {"BEGIN", "UPDATE refreshed_source SET v = {v}", "REFRESH MATERIALIZED VIEW refreshed", "COMMIT"},
          "REFRESH MATERIALIZED VIEW"),
      shadowed,
      coming_and_going(
          "attached",
          script("ATTACH PARTITION",
                 {"BEGIN", "UPDATE attached_part SET v = {v}",
                  "ALTER TABLE attached ATTACH PARTITION attached_part FOR VALUES IN (1)", "COMMIT"}),
          script("DETACH PARTITION", {"ALTER TABLE attached DETACH PARTITION attached_part"})),
      coming_and_going("parent_table",
                       script("INHERIT", {"BEGIN", "UPDATE child_table SET v = {v}",
                                          "ALTER TABLE child_table INHERIT parent_table", "COMMIT"}),
                       script("NO INHERIT", {"ALTER TABLE child_table NO INHERIT parent_table"})),
  };
}

std::vector<Family> rights() {
  return {
      right("granted", "GRANT SELECT ON granted TO limited", "REVOKE SELECT ON granted FROM limited"),
      right("column_granted", "GRANT SELECT (n, v) ON column_granted TO limited",
            "REVOKE SELECT (n, v) ON column_granted FROM limited"),
      right("member_only", "GRANT members TO limited", "REVOKE members FROM limited"),
      right("closed.thing", "GRANT USAGE ON SCHEMA closed TO limited",
            "REVOKE USAGE ON SCHEMA closed FROM limited"),
      right("policed", "ALTER POLICY policy ON policed USING (true)",
            "ALTER POLICY policy ON policed USING (false)"),
      right("secured", "ALTER TABLE secured DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE secured ENABLE ROW LEVEL SECURITY"),
  };
}

}  // namespace

std::vector<Family> special_families() {
  const std::string insert =
      "INSERT INTO {table} (n, v) VALUES ({n}, {v}) ON CONFLICT (n) DO UPDATE SET v = excluded.v";
  std::vector<Family> families = {
      pairs(),
      bulk(),
      appended(),
      coming_and_going("truncated", script("INSERT or UPDATE", {insert}),
                       script("TRUNCATE", {"TRUNCATE truncated"})),
      coming_and_going("deleted",
                       script("INSERT with its parent",
                              {"BEGIN", "INSERT INTO deleted_parent VALUES ({n}) ON CONFLICT DO NOTHING",
                               insert, "COMMIT"}),
                       script("ON DELETE CASCADE", {"DELETE FROM deleted_parent WHERE n = {n}"})),
  };
  for (auto more : {schema(), rights()}) {
    for (Family& family : more) {
      family.is_catalog = true;
      families.push_back(std::move(family));
    }
  }
  return families;
}

}  // namespace checker
