#include <optional>
#include <string_view>
#include <thread>

#include "judge.hpp"
#include "world.hpp"
#include "write_steps.hpp"

namespace checker {

namespace {

const std::vector<std::string> kReads = {
    "SELECT n, v FROM {table} WHERE id = {key}",
    "SELECT n, v FROM {table} WHERE n BETWEEN {n} AND {upto} ORDER BY n",
    "SELECT n, v FROM {table}_view WHERE id = {key}",
    "SELECT t.n, t.v FROM {table} t JOIN names ON names.n = t.n WHERE names.n = {n}",
    "SELECT n, v FROM {table} ORDER BY n",
    "SELECT n, max(v) FROM {table} WHERE id = {key} GROUP BY n",
    "WITH one AS (SELECT n, v FROM {table} WHERE id = {key}) SELECT n, v FROM one",
    "SELECT n, v FROM {table} WHERE n IN (SELECT n FROM names WHERE n = {n})",
    "SELECT a.n, a.v, b.v FROM {table} a JOIN {table} b ON b.n = a.n WHERE a.id = {key}",
    "SELECT n, v FROM public.{table} WHERE id = {key} AND v >= 0",
    "SELECT n, v FROM {table} WHERE id IN ({key}, {key})",
};

// A write whose outcome is not known may still arrive: it must not undo a later one.
const std::string kUpdate = "UPDATE {table} SET v = {v} WHERE id = {key} AND v < {v}";
const std::string kUpdateByParameters = "UPDATE {table} SET v = $1 WHERE id = $2 AND v < $1";

/// COPY into a table whose trigger writes ours.
Outcome copy_to_trigger(const Attempt& attempt) {
  const std::string line = filled("{table}\t{n}\t{v}\n", attempt);
  const Answer answer = attempt.session.copy("COPY trigger_inbox (target, n, v) FROM STDIN", line);
  if (answer.ok()) return {Fate::committed, attempt.session.route()};
  return {fate_of(attempt.session, answer), attempt.session.route()};
}

/// Keeps its transaction open for a while.
Outcome long_transaction(const Attempt& attempt) {
  const Path first = script("", {"BEGIN", kUpdate});
  const Outcome begun = first.run(attempt);
  if (begun.fate != Fate::committed) return {Fate::aborted, begun.route};
  std::this_thread::sleep_for(std::chrono::milliseconds(below(attempt.random, 400)));
  return script("", {"COMMIT"}).run(attempt);
}

std::optional<Version> own_read(const Attempt& attempt) {
  const Query query = read_query(attempt.target, attempt.target.family.reads.front());
  const Answer answer = attempt.session.run(query, Protocol::extended, Format::text);
  return answer.ok() ? std::optional(Judge::version_in(answer)) : std::nullopt;
}

/// Sees its own write before the end, and after the end either everybody sees it or nobody.
Path with_own_read(const char* name, const char* end) {
  return {name, [end](const Attempt& attempt) {
            const Outcome begun = script("", {"BEGIN", kUpdate}).run(attempt);
            if (begun.fate != Fate::committed) return Outcome{Fate::aborted, begun.route};
            const auto seen = own_read(attempt);
            Outcome ended = script("", {end}).run(attempt);
            if (end == std::string_view("ROLLBACK")) ended.fate = Fate::aborted;
            ended.own_read = seen;
            return ended;
          }};
}

/// The read is sent before the write was answered.
Path in_one_burst(const char* name, bool sync_each) {
  return {name, [sync_each](const Attempt& attempt) {
            const Query write{
                "UPDATE " + attempt.target.family.table + " SET v = $1 WHERE id = $2 AND v < $1",
                {std::to_string(attempt.version), attempt.target.key()}};
            const Query read = read_query(attempt.target, attempt.target.family.reads.front());
            const auto answers = attempt.session.pipeline({write, read}, Format::text, sync_each);
            const Route route = attempt.session.route();
            if (answers.size() < 2) return Outcome{Fate::unknown, route};
            if (!answers[0].ok()) return Outcome{fate_of(attempt.session, answers[0]), route};
            // Without a Sync between them they are one transaction.
            if (!answers[1].ok()) return Outcome{Fate::unknown, route};
            return Outcome{Fate::committed, route, Judge::version_in(answers[1])};
          }};
}

std::vector<Path> paths_of_any_table() {
  return {
      script("UPDATE", {kUpdate}),
      statement("UPDATE, extended", kUpdateByParameters, Protocol::extended),
      statement("UPDATE, prepared", kUpdateByParameters, Protocol::prepared),
      script("UPDATE not by key", {"UPDATE {table} SET v = {v} WHERE n = {n} AND v < {v}"}),
      script("transaction", {"BEGIN", kUpdate, "COMMIT"}),
      script("transaction in one text", {"BEGIN; " + kUpdate + "; SELECT 1; COMMIT"}),
      script("two statements in one text", {kUpdate + "; SELECT 1"}),
      script("savepoint", {"BEGIN", "UPDATE {table} SET v = -1 WHERE id = {key}; SAVEPOINT a",
                           "UPDATE {table} SET v = -2 WHERE id = {key}; ROLLBACK TO a",
                           "UPDATE {table} SET v = {v} WHERE id = {key}", "COMMIT"}),
      with_own_read("ROLLBACK", "ROLLBACK"),
      with_own_read("transaction that reads its own write", "COMMIT"),
      in_one_burst("burst", true),
      in_one_burst("burst in one transaction", false),
      script("DELETE and INSERT", {"BEGIN", "DELETE FROM {table} WHERE id = {key}",
                                   "INSERT INTO {table} (id, n, v) VALUES ({key}, {n}, {v})", "COMMIT"}),
      script("MERGE", {"MERGE INTO {table} t USING (VALUES ({n}, {v}::bigint)) s (n, v) ON t.n = s.n"
                       " WHEN MATCHED AND t.v < s.v THEN UPDATE SET v = s.v"}),
      script("writing WITH", {"WITH w AS (" + kUpdate + " RETURNING n) SELECT count(*) FROM w"}),
      script("function", {"SELECT write_version('{table}', {n}, {v})"}),
      script("procedure", {"CALL call_version('{table}', {n}, {v})"}),
      script("DO", {"DO $do$ BEGIN " + kUpdate + "; END $do$"}),
      script("view", {"UPDATE {table}_view SET v = {v} WHERE id = {key} AND v < {v}"}),
      script("trigger", {"INSERT INTO trigger_inbox (target, n, v) VALUES ('{table}', {n}, {v})"}),
      script("deferred trigger",
             {"BEGIN", "INSERT INTO deferred_inbox (target, n, v) VALUES ('{table}', {n}, {v})", "COMMIT"}),
      script("EXECUTE", {"BEGIN; PREPARE p AS " + kUpdate, "EXECUTE p", "DEALLOCATE p; COMMIT"}),
      script("cursor", {"BEGIN", "DECLARE c CURSOR FOR SELECT v FROM {table} WHERE id = {key} FOR UPDATE",
                        "FETCH c", "UPDATE {table} SET v = {v} WHERE CURRENT OF c", "COMMIT"}),
      {"COPY into a trigger", copy_to_trigger},
      {"long transaction", long_transaction},
      two_phase("two phases", {kUpdate}, false),
      two_phase("two phases, two ways", {kUpdate}, true),
  };
}

Family plain(const std::string& table, KeyStyle style, int registers = 12) {
  Family family{.table = table, .key_style = style, .registers = registers};
  for (std::string shape : kReads) {
    for (auto at = shape.find("{table}"); at != std::string::npos; at = shape.find("{table}")) {
      shape.replace(at, 7, table);
    }
    family.reads.push_back(shape);
  }
  family.paths = paths_of_any_table();
  return family;
}

}  // namespace

std::vector<Family> plain_families(bool lasting) {
  std::vector<Family> families = {
      plain("by_number", KeyStyle::number),   plain("by_text", KeyStyle::text),
      plain("by_uuid", KeyStyle::uuid),       plain("partitioned", KeyStyle::number),
      plain("without_key", KeyStyle::number), plain("inherited", KeyStyle::number),
      plain("cascaded", KeyStyle::number, 6),
  };
  const Path upsert =
      script("upsert", {"INSERT INTO {table} AS t (id, n, v) VALUES ({key}, {n}, {v}) ON CONFLICT (id)"
                        " DO UPDATE SET v = excluded.v WHERE t.v < excluded.v"});
  for (std::size_t at : {0, 1, 2, 3}) families[at].paths.push_back(upsert);
  if (!lasting) {
    const Path asynchronous =
        script("asynchronous commit", {"BEGIN", "SET LOCAL synchronous_commit = off", kUpdate, "COMMIT"});
    for (Family& family : families) family.paths.push_back(asynchronous);
  }
  families[0].paths.push_back(script("rule", {"INSERT INTO rule_inbox (id, v) VALUES ({n}, {v})"}));
  const std::string parent = "UPDATE cascade_source SET v = {v} WHERE n = {n} AND v < {v}";
  families.back().paths = {script("ON UPDATE CASCADE", {parent}),
                           script("ON UPDATE CASCADE in a transaction", {"BEGIN", parent, "COMMIT"}),
                           script("ON UPDATE CASCADE from DO", {"DO $do$ BEGIN " + parent + "; END $do$"})};
  return families;
}

}  // namespace checker
