#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "route/reader.hpp"
#include "route/topology.hpp"

namespace forebay::route {

/// Which server a read goes to. One for each thread, which knows of its own reads only: so nothing is shared,
/// and nothing told is late.
///
/// Of the servers that a client may read from, those are left out that would take more than twice as long as
/// the fastest: by the mean of their last answers and by how many reads are under way there. Of the others
/// the one comes next that has had the least, by its weight; one that is not near only when no near one may
/// answer. A client stays with its replica while that is not slower by itself, and has not had much more than
/// another.
class Balancer {
 public:
  struct Choice {
    std::optional<std::size_t> server = {};  ///< nothing: only the primary may answer
    bool wants_another =
        false;  ///< one that is nearer or has had less, were it to show what the client has seen
  };

  /// `avoided`: a server that has just failed.
  Choice choose(const Topology& topology, const Reader& reader, const Floor& floor, TimePoint now,
                std::optional<std::size_t> avoided);

  /// Whether a client that could be answered may wait for a server that has had less: one at a time, for each
  /// that moves makes up for more than one read.
  bool may_wait(TimePoint now);

  void note_start(const Topology& topology, std::size_t server, TimePoint now);
  /// `micros`: what the answer took; 0 when there was none.
  void note_end(std::uint64_t generation, std::size_t server, std::uint64_t micros, TimePoint now);

 private:
  struct Load {
    std::uint32_t under_way = 0;
    double mean_micros = 0;
    TimePoint known_at = {};  ///< the last answer in it
    TimePoint used_at = {};
    double had = 0;  ///< reads, each by the weight that the server had then
  };

  void follow(const Topology& topology) {
    if (generation_ != topology.generation || loads_.size() != topology.servers.size()) begin(topology);
  }
  void begin(const Topology& topology);
  struct Limits {
    double cost;
    double mean;
  };
  template <class IsInUse>
  std::array<Limits, 2> limits_of(const Topology& topology, const IsInUse& is_in_use) const;
  void adapt(TimePoint now);
  double cost(std::size_t server) const;
  double had(std::size_t server) const;

  std::uint64_t generation_ = 0;
  std::vector<Load> loads_;
  double turn_ = 0;           ///< what the server that was chosen last had had
  double patience_ = 0;       ///< so much more than another one may have had
  double lately_ = 0;         ///< what all have had
  TimePoint lately_since_{};  ///< since then
  TimePoint waits_since_{};   ///< the last one that may
};

}  // namespace forebay::route
