#include "console_client.hpp"

#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace forebay {

ConsoleRows::ConsoleRows(pg_result* result) : result_(result, &PQclear) {
  for (int column = 0; column < PQnfields(result); ++column) columns_.emplace_back(PQfname(result, column));
}

int ConsoleRows::size() const {
  return PQntuples(result_.get());
}

std::string_view ConsoleRows::cell(int row, int column) const {
  return PQgetvalue(result_.get(), row, column);
}

std::string_view ConsoleRows::cell(int row, std::string_view column) const {
  for (std::size_t at = 0; at < columns_.size(); ++at) {
    if (columns_[at] == column) return cell(row, static_cast<int>(at));
  }
  return {};
}

double ConsoleRows::number(int row, std::string_view column) const {
  // Of libpq, so there is a zero behind it.
  const std::string_view text = cell(row, column);
  return text.empty() ? 0 : std::strtod(text.data(), nullptr);
}

ConsoleClient::ConsoleClient(std::string url, std::string name)
    : url_(std::move(url)), name_(std::move(name)) {}

bool ConsoleClient::connect() {
  char* mistake = nullptr;
  PQconninfoOption* options = PQconninfoParse(url_.c_str(), &mistake);
  if (options == nullptr) {
    mistake_ = mistake == nullptr ? "not a connection URL\n" : mistake;
    PQfreemem(mistake);
    return false;
  }
  std::vector<const char*> keywords = {"host", "port", "dbname", "connect_timeout", "application_name"};
  std::vector<const char*> values = {"127.0.0.1", "6432", "forebay", "10", name_.c_str()};
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    if (option->val == nullptr) continue;
    keywords.push_back(option->keyword);
    values.push_back(option->val);
  }
  keywords.push_back(nullptr);
  values.push_back(nullptr);
  connection_.reset(PQconnectdbParams(keywords.data(), values.data(), 0), &PQfinish);
  PQconninfoFree(options);
  if (PQstatus(connection_.get()) == CONNECTION_OK) return true;
  mistake_ = PQerrorMessage(connection_.get());
  connection_.reset();
  return false;
}

std::optional<ConsoleRows> ConsoleClient::ask(const char* command) {
  if (connection_ == nullptr && !connect()) return std::nullopt;
  PGconn* connection = connection_.get();
  PGresult* result = PQexec(connection, command);
  if (PQresultStatus(result) == PGRES_TUPLES_OK) return ConsoleRows(result);
  mistake_ = PQerrorMessage(connection);
  PQclear(result);
  if (PQstatus(connection) != CONNECTION_OK) connection_.reset();
  return std::nullopt;
}

std::string ConsoleClient::place() const {
  PGconn* connection = connection_.get();
  return connection == nullptr ? "Forebay" : fmt::format("{}:{}", PQhost(connection), PQport(connection));
}

}  // namespace forebay
