#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// libpq's own, which not everybody has to read.
struct pg_conn;
struct pg_result;

namespace forebay {

/// What a command of the console answered: rows of text.
class ConsoleRows {
 public:
  /// Takes the result of libpq over.
  explicit ConsoleRows(pg_result* result);

  int size() const;
  const std::vector<std::string>& columns() const { return columns_; }
  std::string_view cell(int row, int column) const;
  /// By name; empty when there is no such column, or NULL.
  std::string_view cell(int row, std::string_view column) const;
  /// Likewise, as a number; 0 when it is none.
  double number(int row, std::string_view column) const;

 private:
  std::shared_ptr<pg_result> result_;
  std::vector<std::string> columns_;
};

/// A connection to the console of a running Forebay. Not thread safe.
class ConsoleClient {
 public:
  /// `url`: where that is; what it leaves out is 127.0.0.1, port 6432, database forebay, and libpq's
  /// environment. `name`: what SHOW CLIENTS says of it.
  ConsoleClient(std::string url, std::string name);

  /// Connects if need be. Nothing: it did not work, and mistake() says why.
  std::optional<ConsoleRows> ask(const char* command);
  /// Ends with a line break.
  const std::string& mistake() const { return mistake_; }
  /// host:port.
  std::string place() const;

 private:
  bool connect();

  const std::string url_;
  const std::string name_;
  std::string mistake_;
  std::shared_ptr<pg_conn> connection_;
};

}  // namespace forebay
