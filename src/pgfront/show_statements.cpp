#include <utility>

#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"
#include "pgfront/statement_report.hpp"

namespace forebay::pgfront::show {

namespace {

/// More would be no help to people.
constexpr std::size_t kMostStatements = 500;
constexpr double kShares[] = {0.50, 0.95, 0.99};

/// `row`: that the figures are of; null for those of several statements.
void write_times(RowWriter& rows, const engine::StatementFigures& figures,
                 const engine::StatementTable::Row* row) {
  const std::uint64_t by_server = figures.calls - figures.hits;
  rows.milliseconds(figures.exec_micros);
  if (by_server == 0) {
    for (int i = 0; i < 6; ++i) rows.null();
    return;
  }
  rows.milliseconds(figures.least_micros).milliseconds(figures.most_micros);
  rows.milliseconds(figures.exec_micros / by_server);
  for (const double share : kShares) {
    if (row == nullptr) {
      rows.null();
    } else {
      rows.milliseconds(row->percentile(share));
    }
  }
}

void write_rest(RowWriter& rows, const engine::StatementFigures& figures) {
  rows.number(figures.rows).milliseconds(figures.wait_micros);
  rows.number(figures.hits).milliseconds(figures.saved_micros);
  rows.number(figures.errors).milliseconds(figures.error_micros);
  if (figures.errors == 0) {
    rows.null();
  } else {
    rows.text({figures.last_sqlstate.data(), figures.last_sqlstate.size()});
  }
  rows.text(timestamp(figures.first_seen)).text(timestamp(figures.last_seen));
}

}  // namespace

void statements(const ShowRequestPtr& request, ShowDone done) {
  gather_statements(request->inquiry(), kMostStatements,
                    [request, done = std::move(done)](const StatementReport& report) {
                      RowWriter rows(request->columns, request->formats);
                      for (const auto& row : report.rows) {
                        rows.text(row.name.database).text(*row.text).number(row.figures.calls);
                        write_times(rows, row.figures, &row);
                        write_rest(rows, row.figures);
                      }
                      if (report.others.calls + report.others.errors > 0) {
                        rows.null().text("(others)").number(report.others.calls);
                        write_times(rows, report.others, nullptr);
                        write_rest(rows, report.others);
                      }
                      done(std::string(as_text(rows.bytes())));
                    });
}

void latencies(const ShowRequestPtr& request, ShowDone done) {
  gather_latencies(request->inquiry(), [request, done = std::move(done)](const auto& databases) {
    RowWriter rows(request->columns, request->formats);
    for (const auto& [database, latencies] : databases) {
      for (const auto& [of, times] :
           {std::pair("calls", &latencies.calls), std::pair("transactions", &latencies.transactions),
            std::pair("waits", &latencies.waits), std::pair("hits", &latencies.hits)}) {
        rows.text(database).text(of).number(times->count()).milliseconds(times->sum());
        if (times->count() == 0) {
          rows.null().null().null().null();
          continue;
        }
        rows.milliseconds(times->sum() / times->count());
        for (const double share : kShares) rows.milliseconds(times->percentile(share));
      }
    }
    done(std::string(as_text(rows.bytes())));
  });
}

}  // namespace forebay::pgfront::show
