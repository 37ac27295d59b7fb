#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <libpq-fe.h>

#include "backend/target.hpp"
#include "base/clock.hpp"

namespace forebay::backend {

/// A connection of our own to the server, for the change stream, the watch over servers, their samples or
/// the history in the database, through libpq. Nothing in it blocks: the owner polls fd() for events() and
/// then asks for progress. One thread at a time.
///
/// Text is not converted in either direction: names are in the server's encoding on all connections alike, so
/// that they can be compared.
class StreamConnection {
 public:
  enum class Purpose { questions, replication, health, samples, history };
  enum class Progress { busy, done, failed };

  struct ResultDeleter {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, ResultDeleter>;
  /// What one query has answered: a result for each statement in it.
  using Reply = std::vector<Result>;

  /// Begins to connect. The target's addresses are used; no name is looked up.
  StreamConnection(const Target& target, const std::string& database, Purpose purpose);

  int fd() const { return PQsocket(connection_.get()); }
  /// The numeric address that it is connected to; empty over a Unix socket.
  std::string_view address() const;
  /// POLLIN, POLLOUT or both.
  short events() const;

  /// To be called until it is not busy, whenever events() have come.
  Progress connect();

  /// Sends a query; the one before must have been answered in full. False when the connection is broken.
  bool ask(const std::string& sql);
  bool prepare(const std::string& name, const std::string& sql);
  bool ask_prepared(const std::string& name);
  bool ask_prepared(const std::string& name, const std::string& parameter);
  /// Reads what has come and sends what waits. False when the connection is broken.
  bool transfer();
  /// Of what transfer() has read: done when `reply` holds all results of the query. Failed when one of them
  /// is an error, which problem() then tells.
  Progress take_reply(Reply& reply);

  /// One message of a COPY in both directions.
  class Message {
   public:
    explicit Message(char* bytes, std::size_t size) : bytes_(bytes, &PQfreemem), size_(size) {}
    std::string_view bytes() const { return {bytes_.get(), size_}; }

   private:
    std::unique_ptr<char, void (*)(void*)> bytes_;
    std::size_t size_;
  };
  /// Done: `message` is set. Busy: there is none yet. Failed: the COPY has ended.
  Progress take_message(std::optional<Message>& message);
  bool put_message(std::string_view message);

  /// What went wrong last: the SQLSTATE, empty when the server did not say one, and a text of one line.
  struct Problem {
    std::string sqlstate;
    std::string text;
  };
  const Problem& problem() const { return problem_; }

 private:
  struct ConnectionDeleter {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };

  bool check(int sent);
  void note_problem();
  void note_problem(const PGresult* result);

  std::unique_ptr<PGconn, ConnectionDeleter> connection_;
  PostgresPollingStatusType connecting_ = PGRES_POLLING_WRITING;
  bool has_unsent_ = false;
  Reply results_;
  bool refused_ = false;  ///< the query at hand
  Problem problem_;
};

/// For people: with what can be done about it, where the server's own text does not tell.
std::string described(const StreamConnection::Problem& problem);

}  // namespace forebay::backend
