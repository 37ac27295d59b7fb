#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace checker {

using Clock = std::chrono::steady_clock;
using Instant = Clock::time_point;
using Version = std::int64_t;

/// Past Forebay or through it.
enum class Route { around, through };

/// What became of a write. Unknown: the connection was lost before the answer, so it may or may not be there.
enum class Fate { pending, committed, aborted, unknown };

struct Write {
  const char* path = "";  ///< by which means, a name from writes.cpp
  int client = 0;
  Route route = Route::around;
  Fate fate = Fate::pending;
  bool seen = false;  ///< by somebody other than its transaction
  Instant sent{};
  Instant ended{};
};

/// What a read has to include, and why.
struct Requirement {
  Version version = 0;
  const char* rule = "";
  Instant known{};  ///< since when this version is known to be visible
};

/// Everything that happened to one thing that has a version: versions only grow, and one writer at a time
/// writes. Thread safe.
class History {
 public:
  /// Held by a writer from before begin() until after end().
  std::mutex& turn() { return turn_; }

  /// A write is about to be sent; its version, which is one more than the last.
  Version begin(const char* path, Route route, int client);
  /// It was answered, or its connection was lost, just now. Returns false when its version was seen although
  /// it was rolled back. Route and client: who was told.
  bool end(Version version, Fate fate, Route route, int client);
  /// A reader past Forebay had this version in its hands at this instant.
  void witnessed(Version version, Instant when);

  /// What a read by `client` that began at this instant must see at least.
  Requirement required(Instant begin, Clock::duration bound, int client, Route reader = Route::through) const;
  /// The newest version that the primary was known to show before this instant.
  Version shown_before(Instant begin) const;
  /// How long before `begin` a newer version than this one was known to be visible; zero when none was.
  Clock::duration staleness(Version version, Instant begin) const;

  /// Whether this version may have been visible before `end`. Notes that it was seen; so it must not go
  /// again.
  bool possible(Version version, Instant end);
  /// Whether some version from `least` on, odd or even as asked, may have been visible before `end`.
  bool possible_parity(Version least, bool odd, Instant end) const;

  /// Whether a write was on its way at some moment of this time.
  bool written_between(Instant from, Instant to) const;

  Write write(Version version) const;
  Version latest() const;

 private:
  struct Proof {
    Version version;
    Instant when;
    Route route;
    int client;
    /// Somebody was told so, or saw it past Forebay; otherwise its outcome is unknown, but it was seen
    /// through Forebay, perhaps on a replica, which can be a moment ahead of the primary.
    bool on_primary = true;
  };

  void prove(const Proof& proof);

  std::mutex turn_;
  mutable std::mutex mutex_;
  std::vector<Write> writes_{Write{.path = "the beginning", .fate = Fate::committed}};  ///< by version
  std::vector<Proof> proofs_;  ///< versions never fall
};

}  // namespace checker
