#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "cache/entry.hpp"
#include "engine/asker.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

/// A question that is to be asked of the server again, so that its answer is in memory before a client wants
/// it. `key` and `hash`: of its cache::Key.
struct Refill {
  Asker asker;
  std::string key;
  std::uint64_t hash = 0;
  Duration took{0};  ///< the server, the last time; 0: not known
};

/// What of one database is to be filled again, and what is watched because it is to be when a write ends it.
/// Bounded; what comes when it is full is filled when a client asks for it, like anything else. Thread safe,
/// behind a lock that no ordinary hit takes.
class Refills {
 public:
  /// `entry` is about to expire, and has just been asked for.
  void ask_for(Asker asker, const cache::Entry& entry);
  /// It is not in memory. False when there is no room: later.
  bool ask_for(Asker asker, std::string key, std::uint64_t hash);
  /// Asks for what takes its place as soon as a write has ended `entry`.
  void watch(Asker asker, const cache::EntryPtr& entry);
  /// Finds out what of the watched has ended; to be called every few hundredths of a second. Whether anything
  /// is left.
  bool look(TimePoint now);

  /// What is to be asked next on this loop, and nothing when that is nothing.
  std::optional<Refill> take(const net::Loop& loop);
  /// What was taken and cannot be asked yet is the next again.
  void put_back(Refill refill);

 private:
  static constexpr std::size_t kMostWaiting = 256;
  static constexpr std::size_t kMostWatched = 1024;
  /// Longer ones are not remembered.
  static constexpr std::size_t kLongestKey = 16 * 1024;

  struct Watched {
    Asker asker;
    std::weak_ptr<const cache::Entry> entry;
  };

  bool has_ended(const Watched& watched, TimePoint now);
  bool push(Refill refill);

  std::mutex mutex_;
  std::deque<Refill> waiting_;   ///< guarded by mutex_
  std::deque<Watched> watched_;  ///< guarded by mutex_; the oldest in front
};

}  // namespace forebay::engine
