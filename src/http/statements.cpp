// What statements have come to.

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/statement_json.hpp"
#include "http/statement_words.hpp"
#include "pgfront/statement_report.hpp"

namespace forebay::http {

namespace {

namespace json = boost::json;

constexpr std::size_t kUsualStatements = 100;
constexpr std::size_t kMostStatements = 500;

double seconds(std::uint64_t micros) {
  return static_cast<double>(micros) / 1e6;
}

json::object to_json(const engine::StatementFigures& figures, TimePoint now) {
  return {{"calls", figures.calls},
          {"rows", figures.rows},
          {"total_seconds", seconds(figures.exec_micros)},
          {"wait_seconds", seconds(figures.wait_micros)},
          {"cache_hits", figures.hits},
          {"saved_seconds", seconds(figures.saved_micros)},
          {"errors", figures.errors},
          {"error_seconds", seconds(figures.error_micros)},
          {"last_error", figures.errors == 0 ? json::value()
                                             : json::value(std::string_view(figures.last_sqlstate.data(),
                                                                            figures.last_sqlstate.size()))},
          {"first_seen", wall_time(figures.first_seen, now)},
          {"last_seen", wall_time(figures.last_seen, now)}};
}

/// Null for a statement that no server was asked for.
void add_times(json::object& told, const engine::StatementTable::Row& row) {
  const std::uint64_t by_server = row.figures.calls - row.figures.hits;
  const auto add = [&](std::string_view name, auto micros) {
    told[name] = by_server == 0 ? json::value() : json::value(seconds(micros()));
  };
  add("mean_seconds", [&] { return row.figures.exec_micros / by_server; });
  add("min_seconds", [&] { return row.figures.least_micros; });
  add("max_seconds", [&] { return row.figures.most_micros; });
  add("p50_seconds", [&] { return row.percentile(0.50); });
  add("p95_seconds", [&] { return row.percentile(0.95); });
  add("p99_seconds", [&] { return row.percentile(0.99); });
}

}  // namespace

json::object to_json(const engine::StatementTable::Row& row, TimePoint now) {
  json::object told = to_json(row.figures, now);
  told["id"] = id_of(row.name);
  told["fingerprint"] = fingerprint_text(row.name.fingerprint);
  told["database"] = row.name.database;
  told["text"] = *row.text;
  add_times(told, row);
  return told;
}

namespace handlers {

namespace {

/// The number behind `limit=`; the usual one when there is none, 0 when it is none.
std::size_t limit_of(std::string_view query) {
  constexpr std::string_view kLimit = "limit=";
  if (query.empty()) return kUsualStatements;
  if (!query.starts_with(kLimit)) return 0;
  query.remove_prefix(kLimit.size());
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(query.data(), query.data() + query.size(), limit);
  return error == std::errc() && end == query.data() + query.size() && limit <= kMostStatements ? limit : 0;
}

}  // namespace

void statements(const CallPtr& call, const Done& done) {
  const std::size_t limit = limit_of(call->request.query);
  if (limit == 0) {
    return done(error_reply(400, "bad_parameter",
                            fmt::format("this takes limit=, a number from 1 to {}", kMostStatements)));
  }
  const bool is_on = call->front.settings()->statements.enabled;
  pgfront::gather_statements(
      call->inquiry(), limit, [call, is_on, done](const pgfront::StatementReport& report) {
        json::array rows;
        for (const auto& row : report.rows) {
          json::object told = to_json(row, call->now);
          told["plan"] =
              call->watched.planner.summary({row.name.fingerprint, std::string(row.name.database)});
          rows.push_back(std::move(told));
        }
        const bool has_others = report.others.calls + report.others.errors > 0;
        done(data_reply(json::object{
            {"enabled", is_on},
            {"statements", std::move(rows)},
            {"others", has_others ? json::value(to_json(report.others, call->now)) : json::value()}}));
      });
}

}  // namespace handlers

}  // namespace forebay::http
