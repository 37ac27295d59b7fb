#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/settings.hpp"

namespace forebay::route {

/// A place in a cluster's write-ahead log: pg_lsn as a number.
using Position = std::uint64_t;
/// Which history of the cluster a server is on; each promotion begins another, with a higher number.
using Timeline = std::uint32_t;

enum class Role : std::uint8_t { unknown, primary, replica };
inline constexpr std::size_t kRoles = 3;

enum class State : std::uint8_t {
  unknown,  ///< it has not answered yet
  up,
  lagging,  ///< a replica that does not show what the primary had acknowledged a while ago
  down,
  refused  ///< it answers, but must not be used: Server::reason says why
};
inline constexpr std::size_t kStates = 5;

const char* to_text(Role role);
const char* to_text(State state);

/// One server of a cluster, as it last said it is.
struct Server {
  std::string name;          ///< "db.example.com:5432"
  std::uint32_t weight = 1;  ///< its share of the reads
  std::string zone = {};     ///< where it stands; empty: not said
  bool is_near = true;       ///< others answer only what no near one may
  Role role = Role::unknown;
  State state = State::unknown;
  std::string reason = {};  ///< why it is not up; empty when it is
  Position position = 0;    ///< what a primary has written, what a replica has replayed
  Timeline timeline = 0;    ///< 0: not known
  TimePoint covered = {};   ///< every transaction that the primary acknowledged before is visible here
  TimePoint up_since = {};
  bool is_in_doubt = false;  ///< it has been lost since it last answered: it may show less than `covered`
  std::uint32_t incarnation = 0;  ///< with another one it may show less than it has shown before
};

/// Which cluster the last primary was of, and the timeline that it wrote. Outlives the list of servers: what
/// claims to be the primary on an earlier timeline is a former one.
struct History {
  std::uint64_t system = 0;  ///< the cluster's identifier; 0: there has been no primary
  Timeline timeline = 0;
};

/// The servers of a cluster at one moment. Immutable once published.
struct Topology {
  std::uint64_t generation = 0;  ///< of the list: with another one, indexes mean other servers
  std::vector<Server> servers = {};
  std::optional<std::size_t> primary = {};  ///< where writes go, up or not; nothing: none has been found yet
  /// Up to when the primary is known to have been there. What a replica lags is counted from here: without a
  /// primary there is nothing newer to be seen.
  TimePoint primary_seen = {};
  History history = {};  ///< also of before the list was another one
  config::SettingsPtr settings =
      {};  ///< by which it came about and reads are spread; never null when there are servers

  bool is_primary(State state) const { return primary && servers[*primary].state == state; }
};

}  // namespace forebay::route
