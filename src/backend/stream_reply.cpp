#include "backend/stream_reply.hpp"

#include <charconv>
#include <cstddef>
#include <string>

namespace forebay::backend {

std::string_view value_of(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

std::optional<std::uint64_t> number_of(const PGresult* result, int column) {
  if (PQntuples(result) != 1 || PQnfields(result) <= column) return std::nullopt;
  const std::string_view text = value_of(result, 0, column);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::vector<wire::Row> rows_of(const PGresult* result) {
  std::vector<wire::Row> rows(static_cast<std::size_t>(PQntuples(result)));
  const int columns = PQnfields(result);
  for (int row = 0; row < PQntuples(result); ++row) {
    wire::Row& values = rows[static_cast<std::size_t>(row)];
    for (int column = 0; column < columns; ++column) {
      const bool is_null = PQgetisnull(result, row, column) != 0;
      values.push_back(is_null ? std::nullopt : std::optional(std::string(value_of(result, row, column))));
    }
  }
  return rows;
}

std::vector<const PGresult*> tables_of(const StreamConnection::Reply& reply) {
  std::vector<const PGresult*> tables;
  for (const auto& result : reply) {
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) tables.push_back(result.get());
  }
  return tables;
}

}  // namespace forebay::backend
