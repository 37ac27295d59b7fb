#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

#include "engine/statement_table.hpp"
#include "observe/histogram.hpp"
#include "pgfront/facts.hpp"

namespace forebay::pgfront {

/// What the statements of all threads' clients have come to.
struct StatementReport {
  std::vector<engine::StatementTable::Row> rows;  ///< the dearest first
  /// What is not in rows, of statements that are not told apart any more and of those that were too cheap.
  engine::StatementFigures others;
};

/// Asks every thread, on that thread; `done` is called on the inquiring one, unless the asker has gone
/// meanwhile. `most`: rows. It takes two rounds of questions, so that threads are kept busy with what is
/// shown only: of 10,000 statements, for less than a millisecond.
void gather_statements(const Inquiry& inquiry, std::size_t most,
                       std::function<void(const StatementReport&)> done);

/// Of one database, over all threads; see engine::Latencies.
struct LatencyReport {
  observe::HistogramSnapshot calls;
  observe::HistogramSnapshot transactions;
  observe::HistogramSnapshot waits;
  std::uint64_t errors = 0;  ///< of the calls
};

using LatencyReports = std::map<std::string_view, LatencyReport>;  ///< by database, whose names stay

/// Likewise. They count since the start, whatever RESET STATEMENTS does.
void gather_latencies(const Inquiry& inquiry, std::function<void(const LatencyReports&)> done);

}  // namespace forebay::pgfront
