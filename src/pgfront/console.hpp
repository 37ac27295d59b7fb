#pragma once

#include <cstddef>
#include <string>

namespace forebay::pgfront {

class Client;

/// The administrators' console: a client of the database "forebay" (or "pgbouncer") talks to it in simple queries.
/// Used by the client's thread.
class Console {
 public:
  /// Greets the client. `may_administer` is false for users who may only look.
  Console(Client& client, std::string user, bool may_administer);

  /// Handles complete messages and returns how many bytes were used.
  std::size_t on_input(const std::byte* bytes, std::size_t size);

 private:
  Client& client_;
  const std::string user_;
  const bool may_administer_;
};

}  // namespace forebay::pgfront
