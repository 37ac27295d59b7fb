#pragma once

#include <cstddef>
#include <optional>

#include "base/clock.hpp"
#include "route/topology.hpp"

namespace forebay::route {

/// What a read has to show beside what its client has seen itself.
struct Floor {
  TimePoint written_at = {};  ///< every write that was acknowledged before
  Position position = 0;      ///< all up to there
  bool is_any = false;        ///< nothing at all, not even what the client has seen
};

/// What a client has seen and written, so that no server shows it less afterwards.
///
/// The primary shows all that is there at the time. A replica shows at most that, and never less than it has
/// shown before; so a client may stay with its replica, and another server has to cover the time of its last
/// answer.
class Reader {
 public:
  /// The primary, or anything that is as new, has answered; the client's own writes included.
  void note_primary(TimePoint now) {
    if (now > primary_at_) primary_at_ = now;
  }
  void note_replica(const Topology& topology, std::size_t server, TimePoint now) {
    if (!stays_with(topology, server)) note_left();
    generation_ = topology.generation;
    incarnation_ = topology.servers[server].incarnation;
    replica_ = server;
    replica_at_ = now;
  }

  /// Whether `server` shows all that the client has seen, and what is beneath `floor`.
  bool may_read(const Topology& topology, std::size_t server, const Floor& floor) const {
    const TimePoint covered = topology.servers[server].covered;
    if (floor.is_any) return true;
    if (topology.servers[server].is_in_doubt) return false;
    if (topology.servers[server].position < floor.position || covered < floor.written_at) return false;
    if (covered <= primary_at_) return false;
    return stays_with(topology, server) || covered > replica_at_;
  }
  bool stays_with(const Topology& topology, std::size_t server) const {
    return replica_ == server && generation_ == topology.generation &&
           incarnation_ == topology.servers[server].incarnation;
  }

 private:
  void note_left() { note_primary(replica_at_); }

  TimePoint primary_at_{};
  TimePoint replica_at_{};
  std::uint64_t generation_ = 0;
  std::uint32_t incarnation_ = 0;
  std::optional<std::size_t> replica_;
};

}  // namespace forebay::route
