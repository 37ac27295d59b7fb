#include "topology.hpp"

#include <algorithm>
#include <ostream>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "console_client.hpp"

namespace forebay {

namespace {

/// Columns of SHOW TOPOLOGY (docs/replicas.md).
enum Column { kServer, kRole, kState, kWhy };

void print(const ConsoleRows& rows, std::ostream& out) {
  const int columns = static_cast<int>(rows.columns().size());
  const auto text_at = [&rows](int row, int column) {
    return row < 0 ? std::string_view(rows.columns()[static_cast<std::size_t>(column)])
                   : rows.cell(row, column);
  };
  std::vector<std::size_t> widths;
  for (int column = 0; column < columns; ++column) {
    std::size_t width = 0;
    for (int row = -1; row < rows.size(); ++row) width = std::max(width, text_at(row, column).size());
    widths.push_back(width);
  }
  // The reason, which is long and mostly empty, comes last.
  for (int row = -1; row < rows.size(); ++row) {
    std::string line;
    for (int column = 0; column < columns; ++column) {
      if (column == kWhy) continue;
      const std::string_view text = text_at(row, column);
      const std::size_t width = widths[static_cast<std::size_t>(column)];
      line += column <= kState ? fmt::format("{:<{}}  ", text, width) : fmt::format("{:>{}}  ", text, width);
    }
    line += text_at(row, kWhy);
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

bool is_well(const ConsoleRows& rows) {
  bool has_primary = false;
  for (int row = 0; row < rows.size(); ++row) {
    const std::string_view state = rows.cell(row, kState);
    if (state == "down" || state == "refused") return false;
    has_primary = has_primary || (rows.cell(row, kRole) == "primary" && state == "up");
  }
  return has_primary;
}

}  // namespace

int topology(const std::string& url, std::ostream& out, std::ostream& err) {
  ConsoleClient console(url, "forebay topology");
  const auto rows = console.ask("SHOW TOPOLOGY");
  if (!rows) {
    err << "forebay: " << console.mistake();
    return 1;
  }
  if (rows->size() == 0) {
    out << "There is one server, the upstream; replicas are named with --replica or `replicas`.\n";
    return 0;
  }
  print(*rows, out);
  return is_well(*rows) ? 0 : 1;
}

}  // namespace forebay
