#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>

#include "backend/stream_connection.hpp"
#include "monitor/samples.hpp"
#include "monitor/server_line.hpp"

namespace forebay::monitor {

/// Asks one place, over a connection of its own, one question after another. Owned and used by one thread,
/// which polls: nothing in here blocks.
///
/// A question that takes long is asked less often: its time is a hundredth of all time at most.
class Visit {
 public:
  Visit(std::shared_ptr<const backend::Target> target, Place place);

  const Place& place() const { return place_; }
  const std::shared_ptr<const backend::Target>& target() const { return target_; }
  /// What is asked here from now on.
  void set_duties(bool is_primary, bool is_of_server, bool is_of_database);
  /// Whether they have changed.
  bool set_client_databases(const std::vector<std::string>& names) {
    return std::exchange(place_.client_databases, names) != names;
  }

  /// Of what to wait for; a negative descriptor: only for next_event().
  pollfd polled() const { return line_.polled(); }
  TimePoint next_event() const;
  /// Begins and goes on with what is due. `quick` is the interval of those topics that have none of their
  /// own. True when the place has changed.
  bool advance(TimePoint now, bool has_events, Duration quick);
  /// What has `quick` for its interval is asked at once, unless it was asked within it, or takes too long for
  /// that.
  void hurry(TimePoint now, Duration quick);

 private:
  bool begin_next(TimePoint now);
  bool read(TimePoint now, Duration quick);
  void take(Topic topic, const backend::StreamConnection::Reply& reply);
  void learn_about(const boost::json::object& told);
  /// `why` may come from the connection, which ends here.
  bool fail(std::string why, TimePoint now);
  bool is_duty(Topic topic) const;
  void set_answering(bool is_answering, const std::string& problem);

  struct Plan {
    TimePoint next{};
    TimePoint asked{};
    TimePoint earliest{};  ///< by what the last answer took
  };
  Plan& plan(Topic topic) { return plans_[static_cast<std::size_t>(topic)]; }

  const std::shared_ptr<const backend::Target> target_;
  Place place_;
  About about_;
  std::array<Plan, kTopics> plans_{};
  ServerLine line_;
  std::optional<Topic> asking_;
};

}  // namespace forebay::monitor
