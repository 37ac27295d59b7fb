#include "monitor/history_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "backend/session_settings.hpp"
#include "monitor/reading.hpp"

namespace forebay::monitor {

namespace {

namespace json = boost::json;
using backend::quote_literal;
using std::chrono::months;

constexpr std::string_view kPrefix = "points_";

constexpr std::string_view kQuestion = R"(
WITH own_schema AS (SELECT oid FROM pg_namespace WHERE nspname = {0}),
own_table AS (SELECT c.oid, c.relowner, c.relkind = 'p' AND (
                SELECT string_agg(a.attname, ',' ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
                = 'time,instance,series,seconds,mean,least,most' AS is_ours
              FROM pg_class c JOIN own_schema s ON s.oid = c.relnamespace
              WHERE c.relname = 'points')
SELECT json_build_object(
  'now', extract(epoch FROM now())::float8, 'user', current_user, 'database', current_database(),
  'in_recovery', pg_is_in_recovery(),
  'has_schema', EXISTS (SELECT FROM own_schema),
  'may_create_schema', has_database_privilege(current_database(), 'CREATE'),
  'may_create_table', coalesce((SELECT has_schema_privilege(oid, 'CREATE') AND has_schema_privilege(oid, 'USAGE')
                                FROM own_schema), false),
  'owner', (SELECT pg_get_userbyid(relowner) FROM own_table),
  'is_owner', coalesce((SELECT pg_has_role(relowner, 'USAGE') FROM own_table), false),
  'is_ours', coalesce((SELECT is_ours FROM own_table), true),
  'partitions', (SELECT coalesce(json_agg(json_build_object('name', p.relname) ORDER BY p.relname), '[]')
                 FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid JOIN own_schema s ON s.oid = p.relnamespace
                 WHERE i.inhparent = (SELECT oid FROM own_table))))";

std::string first_day(Month month) {
  return fmt::format("{:04}-{:02}-01 00:00:00+00", static_cast<int>(month.year()),
                     static_cast<unsigned>(month.month()));
}

std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Month month_of(double wall) {
  using namespace std::chrono;
  const sys_seconds time{seconds(static_cast<std::int64_t>(std::floor(wall)))};
  const year_month_day date(floor<days>(time));
  return date.year() / date.month();
}

std::string partition_name(Month month) {
  return fmt::format("{}{:04}_{:02}", kPrefix, static_cast<int>(month.year()),
                     static_cast<unsigned>(month.month()));
}

std::optional<Month> month_in(std::string_view partition) {
  if (!partition.starts_with(kPrefix)) return std::nullopt;
  const std::string_view rest = partition.substr(kPrefix.size());
  const auto year = digits(rest.substr(0, rest.find('_')));
  const auto month =
      digits(rest.substr(std::min(rest.size(), rest.find('_')) + (rest.find('_') < rest.size())));
  if (!year || !month) return std::nullopt;
  const Month found{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month)};
  return found.ok() && partition_name(found) == partition ? std::optional(found) : std::nullopt;
}

std::string question_about_table(const std::string& schema) {
  return fmt::format(kQuestion, quote_literal(schema));
}

TableState table_state(const json::object& told) {
  TableState state{.now = number_in(&told, "now").value_or(0),
                   .user = std::string(text_in(told, "user")),
                   .database = std::string(text_in(told, "database")),
                   .owner = std::string(text_in(told, "owner")),
                   .is_in_recovery = flag_in(told, "in_recovery"),
                   .has_schema = flag_in(told, "has_schema"),
                   .may_create_schema = flag_in(told, "may_create_schema"),
                   .may_create_table = flag_in(told, "may_create_table"),
                   .is_owner = flag_in(told, "is_owner"),
                   .is_ours = flag_in(told, "is_ours"),
                   .partitions = {}};
  for (const json::object* partition : list_in(&told, "partitions"))
    state.partitions.emplace_back(text_in(*partition, "name"));
  return state;
}

std::string missing_rights(const TableState& state, const std::string& schema) {
  if (!state.has_schema) {
    if (state.may_create_schema) return {};
    return fmt::format(
        "there is no schema {0}, and {1} may not create it: CREATE SCHEMA \"{0}\" AUTHORIZATION \"{1}\", or "
        "GRANT CREATE ON DATABASE \"{2}\" TO \"{1}\"",
        schema, state.user, state.database);
  }
  if (!state.may_create_table) {
    return fmt::format(
        R"({1} may not create tables in the schema {0}: GRANT USAGE, CREATE ON SCHEMA "{0}" TO "{1}")",
        schema, state.user);
  }
  if (!state.is_ours) {
    return fmt::format(
        "the table {}.points is another one than Forebay makes: set history.schema to a schema of its own",
        schema);
  }
  if (!state.owner.empty() && !state.is_owner) {
    return fmt::format(
        R"(the table {0}.points belongs to {2}, and only its owner may add partitions: GRANT "{2}" TO "{1}")",
        schema, state.user, state.owner);
  }
  return {};
}

bool TableState::has_partition(Month month) const {
  return std::ranges::find(partitions, partition_name(month)) != partitions.end();
}

Month first_kept(const TableState& state, Month now, std::uint32_t kept) {
  // Of two clocks, the one by which less is dropped.
  return std::min(now, month_of(state.now)) - months(kept);
}

std::string preparation(const TableState& state, const std::string& schema, Month oldest, Month now,
                        std::uint32_t kept) {
  std::string work;
  if (!state.has_schema) work += fmt::format("CREATE SCHEMA IF NOT EXISTS \"{}\";\n", schema);
  if (state.owner.empty()) {
    work += fmt::format(
        "CREATE TABLE IF NOT EXISTS \"{}\".points (\"time\" timestamptz NOT NULL, instance text NOT NULL, "
        "series text NOT NULL, seconds int4 NOT NULL, mean float4 NOT NULL, least float4 NOT NULL, "
        "most float4 NOT NULL, PRIMARY KEY (series, seconds, instance, \"time\")) PARTITION BY RANGE "
        "(\"time\");\n",
        schema);
  }
  const Month first = first_kept(state, now, kept);
  for (Month month = std::max(oldest, first); month <= now + months(1); month += months(1)) {
    if (state.has_partition(month)) continue;
    const std::string name = partition_name(month);
    work += fmt::format(
        "CREATE TABLE IF NOT EXISTS \"{0}\".\"{1}\" PARTITION OF \"{0}\".points FOR VALUES FROM ('{2}') TO "
        "('{3}');\n",
        schema, name, first_day(month), first_day(month + months(1)));
  }
  for (const std::string& partition : state.partitions) {
    const auto month = month_in(partition);
    if (!month || *month >= first) continue;
    work += fmt::format(
        "ALTER TABLE \"{0}\".points DETACH PARTITION \"{0}\".\"{1}\";\nDROP TABLE \"{0}\".\"{1}\";\n", schema,
        partition);
  }
  if (work.empty()) return {};
  // One transaction, as everything that is sent together; one process after the other.
  // Whoever reads the table for long is not to make all others wait behind this.
  return fmt::format("SELECT pg_advisory_xact_lock(hashtext({}));\nSET LOCAL lock_timeout = '200ms';\n",
                     quote_literal("forebay " + schema)) +
         work;
}

std::string insertion(const std::string& schema, const std::string& instance,
                      std::span<const HistoryRow> rows) {
  const std::string by = quote_literal(instance);
  std::string sql = fmt::format(
      "INSERT INTO \"{}\".points (\"time\", instance, series, seconds, mean, least, most) VALUES ", schema);
  const char* separator = "";
  for (const HistoryRow& row : rows) {
    sql +=
        fmt::format("{}(to_timestamp({:.3f}),{},{},{},{},{},{})", separator, row.time, by,
                    quote_literal(row.series), row.seconds, row.point.mean, row.point.least, row.point.most);
    separator = ",\n";
  }
  return sql + " ON CONFLICT DO NOTHING";
}

}  // namespace forebay::monitor
