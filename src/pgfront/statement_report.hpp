#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/explainer.hpp"
#include "engine/statement_table.hpp"
#include "observe/histogram.hpp"
#include "pgfront/facts.hpp"

namespace forebay::pgfront {

/// What the statements of all threads' clients have come to.
struct StatementReport {
  std::vector<engine::StatementTable::Row> rows;  ///< in the order that was asked for
  /// What is not in rows, of statements that are not told apart any more and of those that were too cheap.
  engine::StatementFigures others;
};

/// Names a statement among those of all threads.
struct StatementName {
  sql::Fingerprint fingerprint;
  std::string database;

  engine::StatementTable::Name view() const { return {fingerprint, database}; }
  friend bool operator==(const StatementName&, const StatementName&) = default;
};

/// Asks every thread, on that thread; `done` is called on the inquiring one, unless the asker has gone
/// meanwhile. `most`: rows. It takes two rounds of questions, so that threads are kept busy with what is
/// shown only: of 10,000 statements, for less than a millisecond.
void gather_statements(const Inquiry& inquiry, std::size_t most,
                       std::function<void(const StatementReport&)> done,
                       engine::StatementOrder order = engine::StatementOrder::total,
                       const std::optional<std::string>& database = std::nullopt);

/// Forgets them, on every thread.
void reset_statements(const Inquiry& inquiry, std::function<void()> done);

/// Likewise of the one of that name; nothing when no thread knows it.
void gather_statement(const Inquiry& inquiry, const StatementName& name,
                      std::function<void(std::optional<engine::StatementTable::Row>)> done);

/// Has `sql` asked about the statement of that name, as whoever ran it; see engine::Explainer. `done` is
/// called on the inquiring thread, unless the asker or the process goes meanwhile.
void ask_as_runner(const Inquiry& inquiry, const StatementName& name, std::string sql,
                   engine::Errand::Afterwards afterwards, engine::Explainer::Done done);

/// Of one database, over all threads; see engine::Latencies.
struct LatencyReport {
  observe::Histogram calls;
  observe::Histogram transactions;
  observe::Histogram waits;
  observe::Histogram hits;
  std::uint64_t errors = 0;    ///< of the calls
  std::uint64_t refusals = 0;  ///< statements that Forebay itself answered with an error
};

using LatencyReports = std::map<std::string_view, LatencyReport>;  ///< by database, whose names stay

/// Likewise. They count since the start, whatever RESET STATEMENTS does.
void gather_latencies(const Inquiry& inquiry, std::function<void(const LatencyReports&)> done);

}  // namespace forebay::pgfront
