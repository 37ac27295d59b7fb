#include "backend/stream_connection.hpp"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

namespace forebay::backend {
namespace {

/// What holds for both connections whatever the server, the database or the role have set. Names are quoted
/// alike; nothing of ours waits long for others; a commit of ours does not wait for standbys.
constexpr const char* kSettings =
    "-c quote_all_identifiers=off -c search_path=pg_catalog -c synchronous_commit=local "
    "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c idle_session_timeout=0 "
    "-c default_transaction_read_only=off -c default_transaction_deferrable=off "
    "-c default_transaction_isolation=read\\ committed -c jit=off -c DateStyle=ISO";
/// For questions; the owner gives up a little later.
constexpr const char* kQuestionLimits = " -c statement_timeout=15s -c lock_timeout=5s";
/// For samples, which can be had later, and for which nobody else's lock is worth waiting.
constexpr const char* kSampleLimits = " -c statement_timeout=5s -c lock_timeout=100ms";
/// For a slot, whose making waits for transactions that were running before.
constexpr const char* kReplicationLimits = " -c lock_timeout=5min";

/// Where Debian, Alpine and Arch keep the authorities that the system trusts; libpq 15 has no word for them.
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

const char* mode_name(config::TlsMode mode) {
  switch (mode) {
    case config::TlsMode::disable:
      return "disable";
    case config::TlsMode::allow:
      return "allow";
    case config::TlsMode::prefer:
      return "prefer";
    case config::TlsMode::require:
      return "require";
    case config::TlsMode::verify_ca:
      return "verify-ca";
    case config::TlsMode::verify_full:
      return "verify-full";
  }
  return "verify-full";
}

const char* application_name(StreamConnection::Purpose purpose) {
  using Purpose = StreamConnection::Purpose;
  if (purpose == Purpose::health) return "forebay health";
  if (purpose == Purpose::history) return "forebay history";
  return purpose == Purpose::samples ? "forebay samples" : "forebay cache";
}

const char* limits(StreamConnection::Purpose purpose) {
  using Purpose = StreamConnection::Purpose;
  if (purpose == Purpose::replication) return kReplicationLimits;
  return purpose == Purpose::samples ? kSampleLimits : kQuestionLimits;
}

class Options {
 public:
  void add(const char* keyword, std::string value) {
    keywords_.push_back(keyword);
    values_.push_back(std::move(value));
  }

  PGconn* start() const {
    std::vector<const char*> keywords = keywords_;
    std::vector<const char*> values;
    for (const std::string& value : values_) values.push_back(value.c_str());
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    return PQconnectStartParams(keywords.data(), values.data(), 0);
  }

 private:
  std::vector<const char*> keywords_;
  std::vector<std::string> values_;
};

/// The address that was reached last comes first. The name stays beside each, for certificates.
void add_addresses(Options& options, const Target& target) {
  const config::Upstream& upstream = target.upstream();
  const auto& addresses = target.addresses();
  if (upstream.host.starts_with('/')) {
    options.add("host", upstream.host);
  } else {
    std::vector<std::string> hosts;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      hosts.push_back(addresses[(target.reached() + i) % addresses.size()].host());
    }
    options.add("hostaddr", fmt::format("{}", fmt::join(hosts, ",")));
    options.add("host",
                fmt::format("{}", fmt::join(std::vector<std::string>(hosts.size(), upstream.host), ",")));
  }
  options.add("port", std::to_string(upstream.port));
}

void add_tls(Options& options, const config::ServerTls& tls) {
  options.add("sslmode", mode_name(tls.mode));
  const bool trusts_system = tls.ca_file.empty() && tls.mode == config::TlsMode::verify_full;
  // An empty name would mean a file in somebody's home.
  options.add("sslrootcert", trusts_system         ? kSystemAuthorities
                             : tls.ca_file.empty() ? "/dev/null/none"
                                                   : tls.ca_file);
  options.add("sslcert", tls.certificate_file.empty() ? "/dev/null/none" : tls.certificate_file);
  options.add("sslkey", tls.key_file.empty() ? "/dev/null/none" : tls.key_file);
  options.add("gssencmode", "disable");
}

std::string_view advice(std::string_view sqlstate) {
  if (sqlstate == "42501") return ": the upstream's user needs the REPLICATION attribute";
  if (sqlstate == "53400") return ": raise max_replication_slots";
  if (sqlstate == "53300") return ": raise max_connections or max_wal_senders";
  if (sqlstate == "58P01")
    return ": the server lacks the plugin test_decoding, which is in postgresql-contrib";
  if (sqlstate == "55P03") return ": transactions that were running before the slot do not end";
  return {};
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

}  // namespace

StreamConnection::StreamConnection(const Target& target, const std::string& database, Purpose purpose) {
  const config::Upstream& upstream = target.upstream();
  const bool replicates = purpose == Purpose::replication;
  Options options;
  add_addresses(options, target);
  add_tls(options, upstream.tls);
  options.add("user", upstream.user);
  options.add("password", upstream.password);
  options.add("passfile", "/dev/null");
  options.add("dbname", database);
  options.add("application_name", application_name(purpose));
  options.add("client_encoding", "SQL_ASCII");
  options.add("options", std::string(kSettings) + limits(purpose));
  // A server that is gone is noticed within about ten seconds, whoever has something to send.
  options.add("tcp_user_timeout", "10000");
  options.add("keepalives_idle", "5");
  options.add("keepalives_interval", "2");
  options.add("keepalives_count", "3");
  if (replicates) options.add("replication", "database");
  connection_.reset(options.start());
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
}

std::string_view StreamConnection::address() const {
  const char* const address = PQhostaddr(connection_.get());
  return address == nullptr ? std::string_view() : address;
}

short StreamConnection::events() const {
  if (connecting_ == PGRES_POLLING_OK) return has_unsent_ ? POLLIN | POLLOUT : POLLIN;
  return connecting_ == PGRES_POLLING_READING ? POLLIN : POLLOUT;
}

StreamConnection::Progress StreamConnection::connect() {
  if (PQstatus(connection_.get()) != CONNECTION_BAD) connecting_ = PQconnectPoll(connection_.get());
  if (PQstatus(connection_.get()) == CONNECTION_BAD || connecting_ == PGRES_POLLING_FAILED) {
    note_problem();
    return Progress::failed;
  }
  if (connecting_ != PGRES_POLLING_OK) return Progress::busy;
  PQsetnonblocking(connection_.get(), 1);
  return Progress::done;
}

bool StreamConnection::check(int sent) {
  if (sent != 1) {
    note_problem();
    return false;
  }
  const int left = PQflush(connection_.get());
  has_unsent_ = left == 1;
  if (left < 0) note_problem();
  return left >= 0;
}

bool StreamConnection::ask(const std::string& sql) {
  return check(PQsendQuery(connection_.get(), sql.c_str()));
}

bool StreamConnection::prepare(const std::string& name, const std::string& sql) {
  return check(PQsendPrepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr));
}

bool StreamConnection::ask_prepared(const std::string& name) {
  return check(PQsendQueryPrepared(connection_.get(), name.c_str(), 0, nullptr, nullptr, nullptr, 0));
}

bool StreamConnection::ask_prepared(const std::string& name, const std::string& parameter) {
  const char* const value = parameter.c_str();
  return check(PQsendQueryPrepared(connection_.get(), name.c_str(), 1, &value, nullptr, nullptr, 0));
}

bool StreamConnection::transfer() {
  if (PQconsumeInput(connection_.get()) != 1) {
    note_problem();
    return false;
  }
  return check(1);
}

StreamConnection::Progress StreamConnection::take_reply(Reply& reply) {
  while (PQisBusy(connection_.get()) == 0) {
    Result result(PQgetResult(connection_.get()));
    const auto status = result ? PQresultStatus(result.get()) : PGRES_EMPTY_QUERY;
    const bool is_last = !result || status == PGRES_COPY_BOTH;
    if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
      note_problem(result.get());
      refused_ = true;
    } else if (result) {
      results_.push_back(std::move(result));
    }
    if (is_last) {
      reply = std::exchange(results_, {});
      return std::exchange(refused_, false) ? Progress::failed : Progress::done;
    }
  }
  return Progress::busy;
}

StreamConnection::Progress StreamConnection::take_message(std::optional<Message>& message) {
  char* bytes = nullptr;
  const int size = PQgetCopyData(connection_.get(), &bytes, 1);
  if (size > 0) {
    message.emplace(bytes, static_cast<std::size_t>(size));
    return Progress::done;
  }
  if (size == 0) return Progress::busy;
  const bool knows_why = PQisBusy(connection_.get()) == 0;
  const Result result(knows_why ? PQgetResult(connection_.get()) : nullptr);
  note_problem(result.get());
  return Progress::failed;
}

bool StreamConnection::put_message(std::string_view message) {
  return check(PQputCopyData(connection_.get(), message.data(), static_cast<int>(message.size())));
}

void StreamConnection::note_problem() {
  problem_ = {.sqlstate = {}, .text = first_line(PQerrorMessage(connection_.get()))};
  if (problem_.text.empty()) problem_.text = "the connection was closed";
}

void StreamConnection::note_problem(const PGresult* result) {
  const char* const sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* const text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (sqlstate == nullptr || text == nullptr) return note_problem();
  problem_ = {.sqlstate = sqlstate, .text = text};
}

std::string described(const StreamConnection::Problem& problem) {
  return problem.text + std::string(advice(problem.sqlstate));
}

}  // namespace forebay::backend
