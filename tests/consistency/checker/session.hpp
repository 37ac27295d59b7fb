#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "history.hpp"

struct pg_conn;
struct pg_result;

namespace checker {

/// A statement with $1, $2 … and the values for them.
struct Query {
  std::string text;
  std::vector<std::string> values;

  /// With the values in their places: numbers bare, everything else quoted.
  std::string with_literals() const;
};

enum class Protocol { simple, extended, prepared };
enum class Format { text, binary };

const char* name_of(Protocol protocol);

/// One result. A lost connection is a result, too.
class Answer {
 public:
  Answer(pg_result* result, bool lost);
  /// There was no connection to ask by, for this reason.
  static Answer not_connected(std::string why);

  bool ok() const;
  bool lost() const { return lost_; }
  bool never_sent() const { return !why_not_connected_.empty(); }
  /// The server said that nothing of the transaction remains; otherwise an error leaves that open.
  bool surely_undone() const;
  std::string_view sqlstate() const;
  std::string error() const;

  int rows() const;
  int columns() const;
  /// Empty for NULL. Understands int4 and int8 in both formats.
  std::optional<std::int64_t> number(int row, int column) const;
  std::string_view bytes(int row, int column) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Clear> result_;
  bool lost_;
  std::string why_not_connected_;
};

/// A client: one connection, opened when it is needed and again after it was lost. Not thread safe.
class Session {
 public:
  /// id: tells clients apart in reports; from 1 on.
  Session(std::string conninfo, Route route, int id);

  Route route() const { return route_; }
  int id() const { return id_; }

  /// The next statement comes over a new connection.
  void disconnect() { connection_.reset(); }

  Answer run(const Query& query, Protocol protocol, Format format);
  /// Simple protocol.
  Answer run(const std::string& text);
  /// All in one burst, with a Sync behind each or one behind all; as many answers, or fewer when it was lost.
  std::vector<Answer> pipeline(const std::vector<Query>& queries, Format format, bool sync_each);
  /// COPY … FROM STDIN.
  Answer copy(const std::string& text, const std::string& data);

 private:
  struct Finish {
    void operator()(pg_conn* connection) const;
  };

  bool connect();
  Answer taken(pg_result* result);
  Answer result_of(bool sent);
  Answer run_prepared(const Query& query, const char* const* values, Format format);
  Answer next_of_pipeline();

  const std::string conninfo_;
  const Route route_;
  const int id_;
  std::unique_ptr<pg_conn, Finish> connection_;
  std::set<std::string> prepared_;  ///< texts; the name is made from the text
};

}  // namespace checker
