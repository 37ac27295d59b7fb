#pragma once

#include <memory>
#include <string>

#include <poll.h>

#include "backend/stream_connection.hpp"
#include "base/clock.hpp"

namespace forebay::monitor {

/// A connection to one database of a server that is made again when it is lost, and on which one question is
/// asked at a time. For one thread, which polls: nothing in here blocks.
///
///     line.open(…) until it is done; line.ask(…), and line.connection() for the answer; whenever something
///     fails, line.close(why), and open(…) again.
class ServerLine {
 public:
  using Progress = backend::StreamConnection::Progress;

  /// `patience`: for connecting, and for an answer; more than the server's own limit for a statement.
  ServerLine(backend::StreamConnection::Purpose purpose, Duration patience)
      : purpose_(purpose), patience_(patience) {}

  bool is_open() const { return is_open_; }
  /// While it is open.
  backend::StreamConnection& connection() { return *connection_; }
  /// Of what to wait for; a negative descriptor: only for due(). Also while nothing is asked: a server that
  /// ends closes the connection, which is the first that is seen of it.
  pollfd polled() const;
  /// When open() has something to do without an event, or the answer is late.
  TimePoint due() const { return connection_ == nullptr ? not_before_ : began_ + patience_; }

  /// Begins to connect when it is time, or goes on with it. Failed: `why` says it, and close() is to be
  /// called.
  Progress open(const backend::Target& target, const std::string& database, TimePoint now, bool has_events,
                std::string& why);
  /// False when the connection is broken.
  bool ask(const std::string& sql, TimePoint now);
  /// When the question at hand was asked.
  TimePoint began() const { return began_; }
  bool is_late(TimePoint now) const { return now - began_ >= patience_; }
  std::string lateness() const;
  /// After a pause it may be opened again. Returns `why`, or what is to be said where that is empty.
  std::string close(std::string why, TimePoint now);
  /// Without a pause: it is to lead elsewhere.
  void reset();

 private:
  const backend::StreamConnection::Purpose purpose_;
  const Duration patience_;
  std::unique_ptr<backend::StreamConnection> connection_;
  bool is_open_ = false;
  TimePoint began_{};       ///< connecting, or the question under way
  TimePoint not_before_{};  ///< connecting again
};

}  // namespace forebay::monitor
