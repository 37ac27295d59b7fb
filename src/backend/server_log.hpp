#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>

#include "backend/login.hpp"
#include "observe/rate_limit.hpp"

namespace forebay::backend {

class Pool;

/// What the log says of servers and of pools that are too small. A server that cannot be reached gives one
/// line, and another when a backend has been opened again, however many fail meanwhile. Thread safe.
class ServerLog {
 public:
  void on_opened(const Pool& pool);
  void on_open_failed(const Pool& pool, const Login::Refusal& refusal);
  /// A client has waited for `waited` and got no backend.
  void on_wait_expired(const Pool& pool, Duration waited);

 private:
  std::mutex mutex_;
  std::set<std::string> unreachable_;          ///< by the server's name; guarded by mutex_
  std::atomic<bool> any_unreachable_ = false;  ///< so that opening a backend takes no lock when all is well
  observe::RateLimit changes_;                 ///< a server may come and go many times a second
  observe::RateLimit waits_;
};

}  // namespace forebay::backend
