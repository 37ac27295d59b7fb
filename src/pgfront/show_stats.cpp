#include <array>

#include "pgfront/console_service.hpp"
#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

using backend::Traffic;

/// A figure of Traffic under the two names that PgBouncer has for it in SHOW TOTALS.
struct Figure {
  std::string_view total;
  std::string_view average;
  std::uint64_t Traffic::*value;
};

/// In PgBouncer's order, which SHOW STATS has as well.
constexpr std::array<Figure, 11> kFigures = {{
    {"total_server_assignment_count", "avg_server_assignment_count", &Traffic::assignments},
    {"total_xact_count", "avg_xact_count", &Traffic::transactions},
    {"total_query_count", "avg_query_count", &Traffic::queries},
    {"total_client_bytes", "avg_client_bytes", &Traffic::bytes_received},
    {"total_server_bytes", "avg_server_bytes", &Traffic::bytes_sent},
    {"total_xact_time", "avg_xact_time", &Traffic::transaction_micros},
    {"total_query_time", "avg_query_time", &Traffic::query_micros},
    {"total_wait_time", "avg_wait_time", &Traffic::wait_micros},
    {"total_ps_client_parse_count", "avg_ps_client_parse_count", &Traffic::client_parses},
    {"total_ps_server_parse_count", "avg_ps_server_parse_count", &Traffic::server_parses},
    {"total_ps_bind_count", "avg_ps_bind_count", &Traffic::binds},
}};

void add_figures(RowWriter& rows, const Traffic& traffic) {
  for (const Figure& figure : kFigures) rows.number(traffic.*figure.value);
}

/// One row for each database: its name and whatever `add` says of its traffic.
template <class Add>
void by_database(const ShowRequest& request, const ShowDone& done, Add add) {
  const StatsSampler& sampler = request.front.console_service().sampler();
  RowWriter rows(request.columns, request.formats);
  for (const auto& [database, traffic] : request.front.directory().traffic()) {
    rows.text(database);
    add(rows, traffic, sampler.average(database, traffic, request.now));
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace

void stats(const ShowRequestPtr& request, ShowDone done) {
  by_database(*request, done, [](RowWriter& rows, const Traffic& total, const Traffic& average) {
    add_figures(rows, total);
    add_figures(rows, average);
  });
}

void stats_totals(const ShowRequestPtr& request, ShowDone done) {
  by_database(*request, done,
              [](RowWriter& rows, const Traffic& total, const Traffic&) { add_figures(rows, total); });
}

void stats_averages(const ShowRequestPtr& request, ShowDone done) {
  by_database(*request, done,
              [](RowWriter& rows, const Traffic&, const Traffic& average) { add_figures(rows, average); });
}

void totals(const ShowRequestPtr& request, ShowDone done) {
  Traffic total;
  for (const auto& [database, traffic] : request->front.directory().traffic()) total += traffic;
  const Traffic average = request->front.console_service().sampler().average_of_all(total, request->now);
  RowWriter rows(request->columns, request->formats);
  for (const Figure& figure : kFigures) rows.text(figure.total).number(total.*figure.value);
  for (const Figure& figure : kFigures) rows.text(figure.average).number(average.*figure.value);
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
