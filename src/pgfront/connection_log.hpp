#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace forebay::backend {
class Pool;
}

namespace forebay::pgfront {

class Client;

/// Two lines in the log for a client that has logged in: one now, one with its duration when this is
/// destroyed.
class ConnectionLog {
 public:
  /// Null unless log.connections is on.
  static std::unique_ptr<ConnectionLog> open(const Client& client, std::string_view user,
                                             std::string_view database);
  ~ConnectionLog();

 private:
  ConnectionLog(const Client& client, std::string_view user, std::string_view database);

  const std::string client_;
  const std::string user_;
  const std::string database_;
  const std::uint32_t pid_;
  const TimePoint since_;
};

/// Counts a login that was refused, and logs a warning that says why. The log is rate limited. Thread safe.
void report_refused_login(const Client& client, std::string_view user, std::string_view database,
                          std::string_view sqlstate, std::string_view reason);

/// A warning that a statement has run for longer than timeouts.command and is being cancelled. Rate limited.
/// Thread safe.
void log_overdue_statement(const Client& client, const backend::Pool& pool);

/// A warning that a client's TLS handshake failed, and why. Rate limited. Thread safe.
void log_failed_tls(const Client& client, std::string_view reason);

}  // namespace forebay::pgfront
