#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backend/stream_connection.hpp"
#include "backend/target.hpp"
#include "base/clock.hpp"
#include "cache/change_marker.hpp"
#include "cache/freshness.hpp"

namespace forebay::backend {

/// Decodes the server's changes: a connection for replication with a temporary logical slot of its own, from
/// the connect to the first trouble. What it brings is noted by its ChangeMarker. The owner polls fd() for
/// events(); nothing blocks. One thread at a time.
class SlotStream {
 public:
  /// Begins to connect. All three outlive this object.
  SlotStream(const Target& target, const std::string& database, cache::Freshness& freshness);

  int fd() const { return connection_.fd(); }
  short events() const { return connection_.events(); }
  /// Events have come.
  void advance();
  /// Gives signs of life, and up on a server that does not answer.
  void check_deadlines(TimePoint now);
  TimePoint next_event() const { return next_status_; }

  /// From then on nothing that is written is missed.
  bool is_running() const { return state_ == State::running; }
  /// The slot waits for transactions that were running before it.
  bool is_slow(TimePoint now) const;
  /// Why it came to an end, for people; empty while it has not.
  const std::string& failure() const { return failure_; }
  /// Its name, which the server knows for as long as the connection lives.
  const std::string& slot() const { return slot_; }
  /// When the server last sent something new.
  TimePoint heard() const { return heard_; }
  /// Sees to it that the server says soon when it has come past this position of its log (in bytes from the
  /// log's beginning), which has to be on its disk already.
  void await(std::uint64_t position);
  /// Every transaction whose commit stands before the awaited position has been noted.
  bool is_past_awaited() const { return processed_ >= awaited_; }
  /// Once it runs.
  cache::ChangeMarker& marker() { return *marker_; }

 private:
  enum class State { connecting, looking, making_slot, starting, running };

  void handle_reply(const StreamConnection::Reply& reply);
  void read();
  void handle_message(std::string_view message);
  void send_status(TimePoint now);
  void fail(std::string why);
  void fail(const char* doing);

  const Target& target_;
  cache::Freshness& freshness_;
  const TimePoint started_ = Clock::now();
  const std::string slot_;  ///< random: it is ours alone
  StreamConnection connection_;
  State state_ = State::connecting;
  std::string failure_;
  std::optional<cache::ChangeMarker> marker_;
  std::uint64_t processed_ = 0;  ///< position in the log up to which everything has been noted
  std::uint64_t awaited_ = 0;
  TimePoint heard_ = started_;
  TimePoint next_status_ = TimePoint::max();
};

}  // namespace forebay::backend
