// What statements have come to.

#include <fmt/ranges.h>

#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/parameters.hpp"
#include "http/statement_json.hpp"
#include "http/statement_words.hpp"
#include "pgfront/statement_report.hpp"

namespace forebay::http {

namespace {

namespace json = boost::json;

constexpr std::size_t kUsualStatements = 100;

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

struct Wanted {
  std::size_t limit = kUsualStatements;
  engine::StatementOrder order = engine::StatementOrder::total;
  std::optional<std::string> database = {};  ///< nothing: of all
};

Result<Wanted> wanted_in(std::string_view query) {
  const auto parameters = parameters_of(query, kStatementsQuery);
  if (!parameters) return parameters.error();
  Wanted wanted;
  if (const auto at = parameters->find("limit"); at != parameters->end()) {
    const auto limit = number_of(at->second, 1, kMostStatementsTold);
    if (!limit) return Error{ErrorCode::invalid_input, "limit=: " + limit.error().text};
    wanted.limit = static_cast<std::size_t>(*limit);
  }
  if (const auto at = parameters->find("order"); at != parameters->end()) {
    const auto order = engine::order_by_name(at->second);
    if (!order)
      return Error{ErrorCode::invalid_input,
                   fmt::format("order=: one of {}", fmt::join(engine::names_of_orders(), ", "))};
    wanted.order = *order;
  }
  if (const auto at = parameters->find("database"); at != parameters->end()) wanted.database = at->second;
  return wanted;
}

}  // namespace

void statements(const CallPtr& call, const Done& done) {
  const auto wanted = wanted_in(call->request.query);
  if (!wanted) return done(error_reply(400, "bad_parameter", wanted.error().text));
  const bool is_on = call->front.settings()->statements.enabled;
  pgfront::gather_statements(
      call->inquiry(), wanted->limit,
      [call, is_on, done, is_of_all = !wanted->database](const pgfront::StatementReport& report) {
        json::array rows;
        for (const auto& row : report.rows) {
          json::object told = to_json(row, call->now);
          told["plan"] =
              call->watched.planner.summary({row.name.fingerprint, std::string(row.name.database)});
          rows.push_back(std::move(told));
        }
        const bool has_others = is_of_all && report.others.calls + report.others.errors > 0;
        done(data_reply(json::object{
            {"enabled", is_on},
            {"statements", std::move(rows)},
            {"others", has_others ? json::value(to_json(report.others, call->now)) : json::value()}}));
      },
      wanted->order, wanted->database);
}

}  // namespace handlers

}  // namespace forebay::http
