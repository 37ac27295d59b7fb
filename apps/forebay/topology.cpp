#include "topology.hpp"

#include <algorithm>
#include <memory>
#include <ostream>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace forebay {

namespace {

using Connection = std::unique_ptr<PGconn, void (*)(PGconn*)>;
using Result = std::unique_ptr<PGresult, void (*)(PGresult*)>;

/// Columns of SHOW TOPOLOGY (docs/replicas.md).
enum Column { kServer, kRole, kState, kWhy };

std::string_view cell(const PGresult* rows, int row, int column) {
  return PQgetvalue(rows, row, column);
}

Connection connect(const std::string& url, std::ostream& err) {
  Connection connection(nullptr, &PQfinish);
  char* mistake = nullptr;
  PQconninfoOption* options = PQconninfoParse(url.c_str(), &mistake);
  if (options == nullptr) {
    err << "forebay: " << (mistake == nullptr ? "not a connection URL\n" : mistake);
    PQfreemem(mistake);
    return connection;
  }
  std::vector<const char*> keywords = {"host", "port", "dbname", "connect_timeout", "application_name"};
  std::vector<const char*> values = {"127.0.0.1", "6432", "forebay", "10", "forebay topology"};
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    keywords.push_back(option->keyword);
    values.push_back(option->val);
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection.reset(PQconnectdbParams(keywords.data(), values.data(), 0));
  PQconninfoFree(options);
  if (PQstatus(connection.get()) == CONNECTION_OK) return connection;
  err << "forebay: " << PQerrorMessage(connection.get());
  connection.reset();
  return connection;
}

void print(const PGresult* rows, std::ostream& out) {
  std::vector<std::size_t> widths;
  for (int column = 0; column < PQnfields(rows); ++column) {
    std::size_t width = std::string_view(PQfname(rows, column)).size();
    for (int row = 0; row < PQntuples(rows); ++row) width = std::max(width, cell(rows, row, column).size());
    widths.push_back(width);
  }
  // The reason, which is long and mostly empty, comes last.
  for (int row = -1; row < PQntuples(rows); ++row) {
    std::string line;
    for (int column = 0; column < PQnfields(rows); ++column) {
      if (column == kWhy) continue;
      const std::string_view text = row < 0 ? PQfname(rows, column) : cell(rows, row, column);
      const std::size_t width = widths[static_cast<std::size_t>(column)];
      line += column <= kState ? fmt::format("{:<{}}  ", text, width) : fmt::format("{:>{}}  ", text, width);
    }
    line += row < 0 ? "why" : cell(rows, row, kWhy);
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

bool is_well(const PGresult* rows) {
  bool has_primary = false;
  for (int row = 0; row < PQntuples(rows); ++row) {
    const std::string_view state = cell(rows, row, kState);
    if (state == "down" || state == "refused") return false;
    has_primary = has_primary || (cell(rows, row, kRole) == "primary" && state == "up");
  }
  return has_primary;
}

}  // namespace

int topology(const std::string& url, std::ostream& out, std::ostream& err) {
  const Connection connection = connect(url, err);
  if (connection == nullptr) return 1;
  const Result rows(PQexec(connection.get(), "SHOW TOPOLOGY"), &PQclear);
  if (PQresultStatus(rows.get()) != PGRES_TUPLES_OK) {
    err << "forebay: " << PQerrorMessage(connection.get());
    return 1;
  }
  if (PQntuples(rows.get()) == 0) {
    out << "There is one server, the upstream; replicas are named with --replica or `replicas`.\n";
    return 0;
  }
  print(rows.get(), out);
  return is_well(rows.get()) ? 0 : 1;
}

}  // namespace forebay
