#include "pgfront/connection_log.hpp"

#include <fmt/format.h>

#include "backend/pool.hpp"
#include "config/values.hpp"
#include "net/socket.hpp"
#include "observe/log.hpp"
#include "observe/rate_limit.hpp"
#include "pgfront/client.hpp"
#include "pgfront/front.hpp"
#include "pgfront/worker.hpp"

namespace forebay::pgfront {

namespace {

std::string address_of(const Client& client) {
  if (client.is_local_socket()) return "unix";
  const auto peer = net::peer_address(client.stream().fd());
  const bool v6 = peer.family() == AF_INET6;
  return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), peer.host(), peer.port());
}

}  // namespace

std::unique_ptr<ConnectionLog> ConnectionLog::open(const Client& client, std::string_view user,
                                                   std::string_view database) {
  if (!client.worker().front().settings()->log_connections) return nullptr;
  return std::unique_ptr<ConnectionLog>(new ConnectionLog(client, user, database));
}

ConnectionLog::ConnectionLog(const Client& client, std::string_view user, std::string_view database)
    : client_(address_of(client)),
      user_(user),
      database_(database),
      pid_(client.cancel_key().process_id),
      since_(Clock::now()) {
  observe::Event("client has logged in")
      .with("client", client_)
      .with("user", user_)
      .with("database", database_)
      .with("pid", pid_)
      .with("tls", client.stream().has_tls() ? "yes" : "no")
      .info();
}

ConnectionLog::~ConnectionLog() {
  observe::Event("client has left")
      .with("client", client_)
      .with("user", user_)
      .with("database", database_)
      .with("pid", pid_)
      .with("seconds", fmt::format("{:.3f}", seconds_between(since_, Clock::now())))
      .info();
}

void report_refused_login(const Client& client, std::string_view user, std::string_view database,
                          std::string_view sqlstate, std::string_view reason) {
  client.worker().front().note_refused_login();
  static observe::RateLimit limit;
  const auto dropped = limit.admit(Clock::now());
  if (!dropped) return;
  observe::Event event("login refused");
  event.with("client", address_of(client)).with("user", user).with("database", database);
  event.with("sqlstate", sqlstate).with("reason", reason);
  if (*dropped > 0) event.with("not_logged_before", *dropped);
  event.warning();
}

void log_overdue_statement(const Client& client, const backend::Pool& pool) {
  static observe::RateLimit limit;
  const auto dropped = limit.admit(Clock::now());
  if (!dropped) return;
  observe::Event event("a statement is cancelled after timeouts.command");
  event.with("client", address_of(client)).with("user", pool.user()).with("database", pool.database());
  event.with("pid", client.cancel_key().process_id).with("limit", config::to_text(pool.rules().command));
  if (*dropped > 0) event.with("not_logged_before", *dropped);
  event.warning();
}

void log_failed_tls(const Client& client, std::string_view reason) {
  static observe::RateLimit limit;
  const auto dropped = limit.admit(Clock::now());
  if (!dropped) return;
  observe::Event event("TLS handshake failed");
  event.with("client", address_of(client)).with("reason", reason);
  if (*dropped > 0) event.with("not_logged_before", *dropped);
  event.warning();
}

}  // namespace forebay::pgfront
