#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "backend/stream_wish.hpp"
#include "backend/target.hpp"
#include "base/clock.hpp"
#include "cache/freshness.hpp"
#include "net/waker.hpp"

namespace forebay::backend {

/// Follows what changes in one database of one server, whoever changes it, and keeps its Freshness told:
/// marks of relations, leases, the catalog. A thread of its own speaks to the server over two connections: a
/// temporary logical replication slot with the plugin test_decoding, which needs no object in the database,
/// and one for questions. Where there can be no such slot, and a lower level will do (cache/level.hpp), the
/// latter alone.
///
/// Whatever goes wrong ends the epoch and is tried again after a second, later after half a minute. Each new
/// reason is logged once as a warning.
class ChangeStream {
 public:
  /// Starts at once. `freshness` must outlive this object, which is its waker meanwhile.
  ChangeStream(std::shared_ptr<const Target> target, std::string database, StreamWish wish,
               cache::Freshness& freshness);
  /// Returns within a second; the epoch has then ended.
  ~ChangeStream();
  ChangeStream(const ChangeStream&) = delete;
  ChangeStream& operator=(const ChangeStream&) = delete;

  /// Lets the database go, so that it can be dropped or copied: ends the epoch, and returns when the server
  /// has forgotten the slot, or after a second. Begins again a while later. By any thread.
  void let_go();
  /// Asks it to end for good, without waiting; has_ended() says when it has. By any thread.
  void request_stop() { thread_.request_stop(); }
  bool has_ended() const { return ended_.load(); }

 private:
  void run(const std::stop_token& stop);
  std::string run_session(const std::stop_token& stop, bool& has_begun);
  void report(const std::string& why);
  void pause(const std::stop_token& stop, Duration length) const;

  const std::shared_ptr<const Target> target_;
  const std::string database_;
  const StreamWish wish_;
  cache::Freshness& freshness_;
  const net::Waker waker_;
  std::atomic<bool> letting_go_ = false;
  std::atomic<bool> ended_ = false;
  std::mutex mutex_;
  std::condition_variable gone_;
  bool is_connected_ = false;  ///< guarded by mutex_
  std::string reported_;       ///< used by the thread alone: the reason that was logged last
  std::jthread thread_;        ///< last: it uses all of the above
};

}  // namespace forebay::backend
