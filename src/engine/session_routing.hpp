#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "backend/pool.hpp"
#include "base/bytes.hpp"
#include "net/loop.hpp"
#include "route/reader.hpp"
#include "route/topology.hpp"

namespace forebay::engine {

/// A batch of reads on its way to some server, which can be asked again of another one.
///
/// Until the client has got something of the answer, it makes no difference who gives it. So an answer is
/// held back until it is complete, or longer than kMostHeld; and an error of a replica is never the client's:
/// it may be the replica's own, of a table that is not there yet or a conflict with recovery, and if it is
/// not, the primary will say the same. Nor is what a server says last, before it ends the connection.
struct Attempt {
  static constexpr std::size_t kMostHeld = 64 * 1024;
  /// Room that a session keeps from one attempt to the next, for each of its two buffers.
  static constexpr std::size_t kMostKept = 1024;

  std::size_t server = 0;
  std::uint64_t generation = 0;   ///< of the topology that the number is of
  std::uint32_t incarnation = 0;  ///< of the server, when it was chosen
  TimePoint started{};
  std::vector<std::byte> batch;  ///< as the client sent it
  std::size_t left = 0;          ///< of it, not handled yet
  std::vector<std::byte> held;   ///< of the answer
  bool is_open = false;
  bool is_replicas = false;  ///< the server was chosen as a replica
  bool is_passing = false;   ///< the client has got something
  bool is_cold = false;      ///< the first on its backend, which takes longer
  bool has_failed = false;   ///< what comes is not for the client

  bool is_on_replica() const { return is_open && is_replicas; }
  /// Whether the server still shows all that it showed when it was chosen, and is the same one.
  bool is_as_chosen(const route::Topology& topology) const {
    return topology.generation == generation && topology.servers[server].incarnation == incarnation;
  }
  /// Both are of no use any more.
  void give_back_room() {
    for (auto* bytes : {&batch, &held}) {
      if (bytes->capacity() > kMostKept) *bytes = std::vector<std::byte>();
    }
  }
  void note_handled(std::size_t bytes) { left -= std::min(left, bytes); }
  /// All of the batch has been sent, and nothing else may be before it is answered.
  bool is_awaited() const { return is_open && left == 0; }
};

/// What a session knows for sending its reads to replicas; only where there are any. Used by the session's
/// thread.
struct SessionRouting {
  explicit SessionRouting(std::function<void()> on_look) : next_look(std::move(on_look)) {}

  /// The pool on a replica that was borrowed from last, to be found again without a lock.
  struct Lender {
    std::shared_ptr<backend::Pool> pool;
    std::size_t server = 0;
    std::uint64_t generation = 0;  ///< of the topology
  };

  route::Reader reader;
  Attempt attempt;
  Lender lender;
  int failures = 0;                    ///< of attempts at the batch at hand
  std::optional<std::size_t> avoided;  ///< the server of the last of them
  bool is_plain = false;               ///< the batch at hand is one of reads alone
  TimePoint primary_lost_at{};         ///< by the last attempt that was on its way there
  TimePoint busy_at{};                 ///< when the primary last did for it what no replica can
  TimePoint looked_at{};               ///< at the session, for what holds it
  TimePoint waits_since{};             ///< for a replica to catch up with what it has seen
  TimePoint waits_not_before{};        ///< the last wait was in vain
  Duration pause{0};                   ///< after the next one
  net::Timer next_look;
};

}  // namespace forebay::engine
