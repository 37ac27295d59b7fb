#pragma once

#include <atomic>
#include <string>

#include "choices.hpp"
#include "judge.hpp"

namespace checker {

constexpr std::chrono::milliseconds kBurst{300};

/// What every thread of a run has in common.
struct Run {
  World& world;
  Judge& judge;
  std::string through;  ///< connection strings without a user
  std::string around;
  Instant start;
  std::uint64_t seed;
  int through_percent;                    ///< of the writes go through Forebay
  int unkept_percent;                     ///< of the reads ask not to be kept, and so are a replica's
  std::chrono::microseconds write_pause;  ///< between a writer's writes, on average
  std::chrono::microseconds
      catalog_pause;  ///< the same for DDL, GRANT and the like, of which each makes the cache forget
  std::chrono::microseconds read_pause;  ///< of a reader before each step, while rows are written
  std::chrono::milliseconds calm;        ///< between two bursts of writes
  std::atomic<bool> stopping = false;
  std::atomic<int> clients = 0;  ///< the number of the last one

  /// Whether a client's next reads are such.
  bool is_unkept(Random& random) const { return below(random, 100) < unkept_percent; }
  /// Rows are written in bursts: in between entries are kept, which the next burst has to end.
  bool is_calm() const { return (Clock::now() - start) % (kBurst + calm) > kBurst; }
  Session client(Route route, const std::string& user);
};

/// As an application may ask that wants no answer from memory.
inline Query unkept(Query query) {
  query.text.insert(0, "/* forebay: keep=no */ ");
  return query;
}

/// Before a client tries again.
constexpr std::chrono::milliseconds kPauseAfterError{20};

/// Grows with every step of a thread, so that one that stands still is noticed.
using Steps = std::atomic<std::uint64_t>;

/// Reads through Forebay in every shape and protocol.
void read_through(Run& run, std::uint64_t seed, Steps& steps);
/// As above, but mostly asleep.
void read_at_times(Run& run, std::uint64_t seed, Steps& steps);
/// Clients that each read one thing over and over, which the cache may serve for longest.
void watch(Run& run, std::uint64_t seed, Steps& steps);
/// Reads past Forebay: what it has seen must be seen through Forebay, too, once the bound is over.
void witness(Run& run, std::uint64_t seed, Steps& steps);
/// Writes rows by every path, both ways.
void write(Run& run, std::uint64_t seed, Steps& steps);
/// Changes the schema, rights and policies.
void write_catalog(Run& run, std::uint64_t seed, Steps& steps);

/// When all is quiet: every statement through Forebay against PostgreSQL. How many were compared.
std::uint64_t compare_at_the_end(Run& run);

}  // namespace checker
