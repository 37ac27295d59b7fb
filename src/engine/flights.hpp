#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "net/loop.hpp"

namespace forebay::engine {

/// Fills that are under way, by the hash of what they are of: whoever asks for the same meanwhile waits for
/// the first one's answer rather than asking the server, too. To wait is all that a follower does: afterwards
/// it asks memory like everybody else, and goes to the server if it may not have what it finds there. So
/// nothing depends on whose flight it was, and hashes that collide cost time only.
///
/// Thread safe; a lock for each call, which is held for a look-up, but for is_led() while nothing is under
/// way.
class Flights {
 public:
  /// One who waits. `on_landing` runs on its loop, at most once; it is emptied there by who waits no more.
  struct Follower {
    net::Loop* loop;
    std::function<void()> on_landing;
  };

  /// What became of a query: its answer could not be kept, can be had from memory, or is not there yet.
  enum class Outcome : std::uint8_t { in_vain, in_memory, not_known };

  /// Held by whose query is under way. When it goes, the followers are told.
  class Lead {
   public:
    Lead(Lead&& other) noexcept
        : flights_(std::exchange(other.flights_, nullptr)), hash_(other.hash_), outcome_(other.outcome_) {}
    Lead& operator=(Lead&&) = delete;
    ~Lead() {
      if (flights_ != nullptr) flights_->land(hash_, outcome_);
    }
    /// Without it: in vain.
    void end_with(Outcome outcome) { outcome_ = outcome; }

   private:
    friend class Flights;
    Lead(Flights* flights, std::uint64_t hash) : flights_(flights), hash_(hash) {}

    Flights* flights_;  ///< null: somebody else leads
    std::uint64_t hash_;
    Outcome outcome_ = Outcome::in_vain;
  };

  /// Leads, unless somebody does already.
  Lead lead(std::uint64_t hash);
  /// Whether there is something to wait for. What the last one waited for in vain, the next one does not.
  bool is_led(std::uint64_t hash);
  /// False when nobody leads any more: the follower is not told anything.
  bool follow(std::uint64_t hash, std::shared_ptr<Follower> follower);

 private:
  using Followers = std::vector<std::shared_ptr<Follower>>;

  /// Threads that ask for different things hardly meet.
  struct Stripe {
    std::mutex mutex;
    boost::unordered_flat_map<std::uint64_t, Followers> flights;  ///< guarded by mutex
    /// How many there are, for a look without the lock: who misses one that has just begun asks the server,
    /// too.
    std::atomic<std::uint32_t> under_way = 0;
  };
  static constexpr std::size_t kStripes = 16;
  static constexpr std::size_t kRemembered = 1024;

  Stripe& stripe(std::uint64_t hash) { return stripes_[hash % kStripes]; }
  void land(std::uint64_t hash, Outcome outcome);

  std::array<Stripe, kStripes> stripes_;
  /// Hashes of what could not be kept the last time (too large, an error, a change meanwhile), each at a
  /// place that others may take.
  std::array<std::atomic<std::uint64_t>, kRemembered> in_vain_{};
};

}  // namespace forebay::engine
