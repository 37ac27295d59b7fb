#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "route/topology.hpp"

namespace forebay::route {

/// Where the last record ends, of the place for the next one (pg_current_wal_insert_lsn()): that is behind
/// the head of its page when the last has filled the one before, and a replica that has replayed all stays in
/// front of it.
Position end_of_last_record(Position place);

/// What a server says of itself.
struct Answer {
  bool is_in_recovery = false;
  bool is_first = false;     ///< on its connection
  Position position = 0;     ///< pg_current_wal_insert_lsn(), or pg_last_wal_replay_lsn() in recovery
  Timeline timeline = 0;     ///< the one that it writes, or receives; 0: it does not receive, or may not say
  std::uint64_t system = 0;  ///< the cluster's identifier (pg_control_system())
};

/// What a server is set to, of all that changes what a statement answers, by its name. Without what a role or
/// a database is set to: that is in the catalogs, which replicas share.
using AnswerSettings = std::map<std::string, std::string>;

/// Makes the topology from what servers say when they are asked one by one.
///
/// The primary is the server that is not in recovery. Of several the one on the highest timeline is, and the
/// others are refused; on a timeline below that of a primary that was known, in a former list of servers
/// too, or on the same one beside it, none ever is; nor while a replica follows a higher one. A replica is up
/// when it follows the primary's timeline, and covers what the primary had acknowledged less than `max_lag`
/// ago: asked first, the primary says how far its log goes, and once a replica has replayed that far,
/// everything acknowledged before the question is visible there. One that is set to answer in another way
/// than the primary is refused.
///
/// Knows nothing of sockets and clocks. Not thread safe.
class RollCall {
 public:
  struct Member {
    std::string name;
    std::uint32_t weight = 1;
    std::string zone = {};
    bool is_near = true;
  };
  struct Rules {
    Duration max_lag{5'000};
    std::uint32_t tries = 2;
  };
  /// Something to be told to people.
  struct Change {
    std::size_t server;
    Role role;
    State before;
    State now;
    std::string reason;
    bool is_new_primary = false;
    bool is_promoted = false;  ///< a new primary, with another history than that of the last
  };

  /// `history`: what is known of the last primary, from a former list of servers.
  RollCall(std::uint64_t generation, const std::vector<Member>& members, Rules rules, History history = {});

  /// `asked`: before the question was sent.
  void note_answer(std::size_t server, const Answer& answer, TimePoint asked);
  /// Before its first answer, and whenever it may have changed.
  void note_settings(std::size_t server, AnswerSettings settings);
  /// It could not be asked, or has not answered.
  void note_failure(std::size_t server, std::string why);
  /// From now on it is asked at another address, so it may be another server.
  void note_move(std::size_t server);

  /// To be called after the above; what has changed since it was last called.
  std::vector<Change> judge(TimePoint now);
  const Topology& topology() const { return topology_; }

 private:
  struct Sample {
    TimePoint asked;
    Position position;
  };
  struct Sight {
    Answer answer;
    TimePoint asked{};           ///< the last question that was answered; never when there was none
    std::uint32_t failures = 0;  ///< in a row
    std::string why;             ///< the last of them
    bool has_answered = false;   ///< since the last failure that counted
    AnswerSettings settings = {};
  };
  struct Verdict {
    State state;
    std::string reason;
  };

  bool has_heard_of_all() const;
  bool is_there(const Sight& sight) const;
  Timeline newest(std::uint64_t system) const;
  bool may_lead(std::size_t server) const;
  void find_primary();
  void note_leader(const Answer& answer);
  void note_primary(const Answer& answer, TimePoint asked);
  void note_replica(Server& server, const Answer& answer);
  Verdict judge_server(std::size_t server) const;
  Verdict judge_claim(std::size_t server) const;
  Verdict judge_replica(std::size_t server) const;
  std::string other_settings(std::size_t server) const;

  const Rules rules_;
  Topology topology_;
  std::vector<Sight> sights_;
  std::deque<Sample> samples_;  ///< of the primary; positions never fall
  Timeline timeline_ = 0;       ///< of the last primary
  bool has_new_primary_ = false;
  bool is_promoted_ = false;  ///< the new primary
  std::uint64_t system_ = 0;  ///< of the first
};

}  // namespace forebay::route
