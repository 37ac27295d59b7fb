#include "monitor/plan_findings.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "backend/session_settings.hpp"
#include "monitor/plan.hpp"
#include "monitor/reading.hpp"
#include "sql/quoted_name.hpp"

namespace forebay::monitor {

namespace {

namespace json = boost::json;

/// A smaller table is read faster as a whole than anybody notices.
constexpr double kLargeTable = 10'000;
/// An index pays where it leaves a twentieth of the rows or less.
constexpr double kFewRows = 0.05;
/// More columns make an index larger and seldom better.
constexpr std::size_t kMostColumns = 3;
/// By so much more than expected, and so many rows, are enough to lead to a bad plan.
constexpr double kFarOff = 10;
constexpr double kNotableRows = 1'000;

/// Where `word` stands outside of all parentheses and quotes; npos when nowhere.
std::size_t find_outside(std::string_view text, std::string_view word) {
  int depth = 0;
  bool is_quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    if (depth == 0 && text.substr(at).starts_with(word)) return at;
    if (text[at] == '(') ++depth;
    if (text[at] == ')') --depth;
  }
  return std::string_view::npos;
}

/// `(a = b)` without its parentheses, if they belong together.
std::string_view bare(std::string_view text) {
  while (text.size() >= 2 && text.front() == '(') {
    int depth = 0;
    const auto closing = std::ranges::find_if(text, [&depth](char letter) {
      depth += letter == '(' ? 1 : letter == ')' ? -1 : 0;
      return depth == 0;
    });
    if (closing != text.end() - 1) break;
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

std::vector<std::string_view> conjuncts(std::string_view filter) {
  constexpr std::string_view kAnd = " AND ";
  std::vector<std::string_view> parts;
  std::string_view rest = bare(filter);
  if (find_outside(rest, " OR ") != std::string_view::npos) return parts;
  for (auto at = find_outside(rest, kAnd); at != std::string_view::npos; at = find_outside(rest, kAnd)) {
    parts.push_back(bare(rest.substr(0, at)));
    rest = rest.substr(at + kAnd.size());
  }
  parts.push_back(bare(rest));
  return parts;
}

/// `alias.column`, as PostgreSQL writes it, without the alias; nothing for anything else.
std::optional<std::string> column_of(std::string_view text) {
  const auto dot = find_outside(text, ".");
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view column = text.substr(dot + 1);
  const bool is_quoted = column.size() > 2 && column.front() == '"' && column.back() == '"';
  const bool is_plain = !column.empty() && std::ranges::all_of(column, [](char letter) {
    return letter == '_' || std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
           static_cast<unsigned char>(letter) >= 0x80;
  });
  if (!is_quoted && !is_plain) return std::nullopt;
  return std::string(column);
}

/// What `column = value` compares, where the value does not depend on the row.
void take_column(std::string_view condition, FilteredScan& scan) {
  constexpr std::string_view kEquals = " = ";
  constexpr std::string_view kAsText = ")::text";
  const auto at = find_outside(condition, kEquals);
  if (at == std::string_view::npos) return;
  std::string_view left = condition.substr(0, at);
  std::string_view right = condition.substr(at + kEquals.size());
  if (right.starts_with("ANY (")) right.remove_prefix(5);
  while (right.starts_with('(')) right.remove_prefix(1);
  if (!right.starts_with('$') || right.find_first_of("+-*/.") != std::string_view::npos) return;
  const bool is_cast = left.starts_with('(') && left.ends_with(kAsText);
  if (is_cast) left = left.substr(1, left.size() - 1 - kAsText.size());
  const auto column = column_of(left);
  if (!column || scan.columns.size() == kMostColumns) return;
  if (std::ranges::find(scan.columns, *column) != scan.columns.end()) return;
  scan.columns.push_back(*column);
  if (is_cast) scan.cast_columns.push_back(*column);
}

/// A node below a Gather tells of one process: https://www.postgresql.org/docs/15/parallel-plans.html; the
/// leader has the less time for it the more workers there are (get_parallel_divisor in costsize.c).
double processes_of(const json::object& gather) {
  const double workers = number_in(&gather, "workers_planned").value_or(0);
  return std::max(workers + std::max(1 - 0.3 * workers, 0.0), 1.0);
}

void collect(const json::object& node, double processes, std::vector<FilteredScan>& scans) {
  if (text_in(node, "node_type") == "Seq Scan") {
    FilteredScan scan{.schema = std::string(text_in(node, "schema")),
                      .table = std::string(text_in(node, "relation_name")),
                      .columns = {},
                      .cast_columns = {},
                      .rows = number_in(&node, "plan_rows").value_or(0) * processes};
    for (const std::string_view part : conjuncts(text_in(node, "filter"))) take_column(part, scan);
    if (!scan.columns.empty() && !scan.schema.empty()) scans.push_back(std::move(scan));
  }
  const bool gathers = text_in(node, "node_type").starts_with("Gather");
  for (const json::object* each : below(node))
    collect(*each, gathers ? processes_of(node) : processes, scans);
}

json::object finding(std::string_view kind, std::string text, std::string evidence, json::value suggestion) {
  return {{"kind", kind}, {"text", text}, {"evidence", evidence}, {"suggestion", std::move(suggestion)}};
}

void judge_scan(const FilteredScan& scan, const json::object& table, json::array& findings) {
  const double rows = number_in(&table, "rows").value_or(0);
  const std::string name(text_in(table, "name"));
  if (rows < 0) {
    findings.push_back(finding(
        "never_analyzed", fmt::format("{} has never been analysed: the server guesses what is in it", name),
        "it keeps no number of rows", json::value("ANALYZE " + name + ";")));
    return;
  }
  if (rows < kLargeTable || scan.rows > rows * kFewRows || flag_in(table, "partition")) return;
  std::string columns;
  for (const json::object* column : list_in(&table, "columns")) {
    const std::string column_name(text_in(*column, "name"));
    if (std::ranges::find(scan.columns, column_name) == scan.columns.end()) continue;
    if (flag_in(*column, "indexed")) return;
    // Other types than varchar are compared as text by a conversion, which an index of the column cannot
    // serve.
    const bool is_cast = std::ranges::find(scan.cast_columns, column_name) != scan.cast_columns.end();
    if (is_cast && !flag_in(*column, "varchar")) continue;
    columns += (columns.empty() ? "" : ", ") + column_name;
  }
  if (columns.empty()) return;
  findings.push_back(finding(
      kSequentialScan,
      fmt::format("all of {} is read for the rows with a certain {}, and no index begins with it", name,
                  columns),
      fmt::format("{:.0f} rows of about {:.0f} are expected to be left", std::max(scan.rows, 1.0), rows),
      json::value(fmt::format("CREATE INDEX CONCURRENTLY ON {} ({});", name, columns))));
}

/// What only EXPLAIN ANALYZE tells.
void judge_measured(const json::object& node, json::array& findings) {
  if (text_in(node, "sort_space_type") == "Disk") {
    findings.push_back(finding(
        "sort_on_disk", "a sort did not fit into work_mem, and went to disk",
        fmt::format("it took {:.0f} kB", number_in(&node, "sort_space_used").value_or(0)), json::value()));
  }
  // Fewer than expected may be the work of a LIMIT.
  const double actual = number_in(&node, "actual_rows").value_or(0);
  const double planned = std::max(number_in(&node, "plan_rows").value_or(0), 1.0);
  const std::string_view relation = text_in(node, "relation_name");
  if (!relation.empty() && actual >= kNotableRows && actual >= planned * kFarOff) {
    findings.push_back(
        finding("estimate_off", fmt::format("the server expects fewer rows of {} than there are", relation),
                fmt::format("{:.0f} were expected, {:.0f} came", planned, actual),
                json::value(fmt::format("ANALYZE {}.{};", sql::quoted_name(text_in(node, "schema")),
                                        sql::quoted_name(relation)))));
  }
  for (const json::object* each : below(node)) judge_measured(*each, findings);
}

}  // namespace

std::vector<FilteredScan> filtered_scans(const json::object& root) {
  std::vector<FilteredScan> scans;
  collect(root, 1, scans);
  return scans;
}

std::string facts_question(const std::vector<FilteredScan>& scans) {
  std::string tables;
  for (const FilteredScan& scan : scans) {
    tables += fmt::format("{}({}, {})", tables.empty() ? "" : ", ", backend::quote_literal(scan.schema),
                          backend::quote_literal(scan.table));
  }
  return fmt::format(
      "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = '4s'; "
      "SELECT json_build_object('tables', json_agg(json_build_object('schema', n.nspname, 'table', "
      "c.relname, "
      "'name', format('%I.%I', n.nspname, c.relname), 'rows', c.reltuples, 'partition', c.relispartition, "
      "'columns', (SELECT json_agg(json_build_object('name', quote_ident(a.attname), "
      "'varchar', a.atttypid = 'varchar'::regtype, 'indexed', EXISTS (SELECT FROM pg_index i "
      "JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam WHERE i.indrelid = c.oid "
      "AND i.indkey[0] = a.attnum AND i.indpred IS NULL AND m.amname IN ('btree', 'hash'))) ORDER BY "
      "a.attnum) "
      "FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)))) "
      "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE (n.nspname, c.relname) IN ({}); ROLLBACK",
      tables);
}

json::array plan_findings(const json::object& root, std::string_view facts) {
  json::array findings;
  json::error_code error;
  const json::value told = facts.empty() ? json::value() : json::parse({facts.data(), facts.size()}, error);
  const json::object* const known = !error && told.is_object() ? &told.get_object() : nullptr;
  std::vector<std::string> judged;
  for (const FilteredScan& scan : filtered_scans(root)) {
    const std::string key = fmt::format("{}.{}({})", scan.schema, scan.table, fmt::join(scan.columns, ","));
    if (std::ranges::find(judged, key) != judged.end()) continue;
    judged.push_back(key);
    for (const json::object* table : list_in(known, "tables")) {
      if (text_in(*table, "schema") == scan.schema && text_in(*table, "table") == scan.table)
        judge_scan(scan, *table, findings);
    }
  }
  judge_measured(root, findings);
  return findings;
}

}  // namespace forebay::monitor
