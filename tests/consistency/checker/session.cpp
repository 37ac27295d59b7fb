#include "session.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

#include <libpq-fe.h>

namespace checker {

namespace {

bool is_number(std::string_view value) {
  return !value.empty() &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<const char*> pointers(const std::vector<std::string>& values) {
  std::vector<const char*> found;
  for (const std::string& value : values) found.push_back(value.c_str());
  return found;
}

std::string statement_name(const std::string& text) {
  return "s" + std::to_string(std::hash<std::string>{}(text));
}

}  // namespace

const char* name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::simple:
      return "simple";
    case Protocol::extended:
      return "extended";
    case Protocol::prepared:
      return "prepared";
  }
  return "";
}

std::string Query::with_literals() const {
  std::string found = text;
  for (std::size_t at = values.size(); at > 0; --at) {
    const std::string& value = values[at - 1];
    const std::string literal = is_number(value) ? value : "'" + value + "'";
    const std::string name = "$" + std::to_string(at);
    for (auto place = found.find(name); place != std::string::npos; place = found.find(name, place)) {
      found.replace(place, name.size(), literal);
    }
  }
  return found;
}

Answer::Answer(pg_result* result, bool lost) : result_(result), lost_(lost) {}

Answer Answer::not_connected(std::string why) {
  Answer answer(nullptr, true);
  answer.why_not_connected_ = std::move(why);
  return answer;
}

void Answer::Clear::operator()(pg_result* result) const {
  PQclear(result);
}

bool Answer::ok() const {
  const auto status = PQresultStatus(result_.get());
  return !lost_ && (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN);
}

std::string_view Answer::sqlstate() const {
  const char* state = result_ ? PQresultErrorField(result_.get(), PG_DIAG_SQLSTATE) : nullptr;
  return state ? state : "";
}

std::string Answer::error() const {
  if (never_sent()) return why_not_connected_;
  if (lost_ && !result_) return "connection lost";
  return result_ ? PQresultErrorMessage(result_.get()) : "no answer";
}

bool Answer::surely_undone() const {
  // Connections, insufficient resources, operator intervention, system and internal errors, and "statement
  // completion unknown": https://www.postgresql.org/docs/15/errcodes-appendix.html
  const std::string_view state = sqlstate();
  if (lost_ || state.size() != 5) return false;
  const std::string_view group = state.substr(0, 2);
  return group != "08" && group != "53" && group != "58" && group != "XX" && state.substr(0, 3) != "57P" &&
         state != "40003";
}

int Answer::rows() const {
  return PQntuples(result_.get());
}
int Answer::columns() const {
  return PQnfields(result_.get());
}

std::string_view Answer::bytes(int row, int column) const {
  if (PQgetisnull(result_.get(), row, column)) return {};
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::optional<std::int64_t> Answer::number(int row, int column) const {
  const std::string_view value = bytes(row, column);
  if (value.empty()) return std::nullopt;
  if (PQfformat(result_.get(), column) == 0) {
    std::int64_t found = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), found);
    return error == std::errc() && end == value.data() + value.size() ? std::optional(found) : std::nullopt;
  }
  std::uint64_t found = 0;
  for (const char byte : value) found = found << 8 | static_cast<unsigned char>(byte);
  if (value.size() == 4) return static_cast<std::int32_t>(found);
  return static_cast<std::int64_t>(found);
}

Session::Session(std::string conninfo, Route route, int id)
    : conninfo_(std::move(conninfo)), route_(route), id_(id) {}

void Session::Finish::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

bool Session::connect() {
  if (connection_ && PQstatus(connection_.get()) == CONNECTION_OK) return true;
  prepared_.clear();
  connection_.reset(PQconnectdb(conninfo_.c_str()));
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
  return PQstatus(connection_.get()) == CONNECTION_OK;
}

Answer Session::taken(pg_result* result) {
  return {result, PQstatus(connection_.get()) != CONNECTION_OK};
}

/// As PQexec() would give it; but of a connection that was closed with an error that error, not its end.
Answer Session::result_of(bool sent) {
  if (!sent) return taken(PQmakeEmptyPGresult(connection_.get(), PGRES_FATAL_ERROR));
  PGresult* kept = nullptr;
  while (PGresult* next = PQgetResult(connection_.get())) {
    if (kept && PQresultStatus(kept) == PGRES_FATAL_ERROR) {
      PQclear(next);
    } else {
      PQclear(kept);
      kept = next;
      if (PQresultStatus(kept) == PGRES_COPY_IN) break;
    }
  }
  return taken(kept);
}

Answer Session::run(const std::string& text) {
  if (!connect()) return Answer::not_connected(PQerrorMessage(connection_.get()));
  return result_of(PQsendQuery(connection_.get(), text.c_str()));
}

Answer Session::run(const Query& query, Protocol protocol, Format format) {
  if (protocol == Protocol::simple) return run(query.with_literals());
  if (!connect()) return Answer::not_connected(PQerrorMessage(connection_.get()));
  const auto values = pointers(query.values);
  if (protocol == Protocol::prepared) return run_prepared(query, values.data(), format);
  return result_of(PQsendQueryParams(connection_.get(), query.text.c_str(), static_cast<int>(values.size()),
                                     nullptr, values.data(), nullptr, nullptr, format == Format::binary));
}

Answer Session::run_prepared(const Query& query, const char* const* values, Format format) {
  const std::string name = statement_name(query.text);
  if (!prepared_.contains(query.text)) {
    Answer answer = result_of(PQsendPrepare(connection_.get(), name.c_str(), query.text.c_str(), 0, nullptr));
    if (!answer.ok()) return answer;
    prepared_.insert(query.text);
  }
  return result_of(PQsendQueryPrepared(connection_.get(), name.c_str(), static_cast<int>(query.values.size()),
                                       values, nullptr, nullptr, format == Format::binary));
}

std::vector<Answer> Session::pipeline(const std::vector<Query>& queries, Format format, bool sync_each) {
  std::vector<Answer> answers;
  if (!connect() || !PQenterPipelineMode(connection_.get())) return answers;
  for (const Query& query : queries) {
    const auto values = pointers(query.values);
    PQsendQueryParams(connection_.get(), query.text.c_str(), static_cast<int>(values.size()), nullptr,
                      values.data(), nullptr, nullptr, format == Format::binary);
    if (sync_each) PQpipelineSync(connection_.get());
  }
  if (!sync_each) PQpipelineSync(connection_.get());
  while (answers.size() < queries.size() && PQstatus(connection_.get()) == CONNECTION_OK) {
    answers.push_back(next_of_pipeline());
  }
  // The last Sync's own answer; without it the connection does not leave pipeline mode.
  PQclear(PQgetResult(connection_.get()));
  if (!PQexitPipelineMode(connection_.get())) connection_.reset();
  return answers;
}

Answer Session::next_of_pipeline() {
  // After each statement's result comes a null, after each Sync a result of its own.
  PGresult* result = PQgetResult(connection_.get());
  while (result && PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
    PQclear(result);
    result = PQgetResult(connection_.get());
  }
  Answer answer = taken(result);
  if (result) PQclear(PQgetResult(connection_.get()));
  return answer;
}

Answer Session::copy(const std::string& text, const std::string& data) {
  Answer begun = run(text);
  if (!begun.ok()) return begun;
  PQputCopyData(connection_.get(), data.data(), static_cast<int>(data.size()));
  PQputCopyEnd(connection_.get(), nullptr);
  Answer answer = taken(PQgetResult(connection_.get()));
  while (PGresult* more = PQgetResult(connection_.get())) PQclear(more);
  return answer;
}

}  // namespace checker
