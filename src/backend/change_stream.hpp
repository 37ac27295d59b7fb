#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "backend/target.hpp"
#include "base/clock.hpp"
#include "cache/freshness.hpp"
#include "net/socket.hpp"

namespace forebay::backend {

/// Follows what changes in one database of one server, whoever changes it, and keeps its Freshness told:
/// marks of relations, leases, the catalog. A thread of its own speaks to the server over two connections: a
/// temporary logical replication slot with the plugin test_decoding, which needs no object in the database,
/// and one for questions.
///
/// Whatever goes wrong ends the epoch and is tried again after a second, later after half a minute. Each new
/// reason is logged once as a warning.
class ChangeStream {
 public:
  /// Starts at once. `freshness` must outlive this object, which is its waker meanwhile.
  ChangeStream(std::shared_ptr<const Target> target, std::string database, cache::Freshness& freshness);
  /// Returns within a second; the epoch has then ended.
  ~ChangeStream();
  ChangeStream(const ChangeStream&) = delete;
  ChangeStream& operator=(const ChangeStream&) = delete;

 private:
  void run(const std::stop_token& stop);
  void report(const std::string& why);
  void pause(const std::stop_token& stop, Duration length) const;

  const std::shared_ptr<const Target> target_;
  const std::string database_;
  cache::Freshness& freshness_;
  const net::Fd wake_fd_;
  std::string reported_;  ///< used by the thread alone: the reason that was logged last
  std::jthread thread_;   ///< last: it uses all of the above
};

}  // namespace forebay::backend
