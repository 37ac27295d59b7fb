#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backend/stream_connection.hpp"
#include "backend/target.hpp"
#include "base/clock.hpp"
#include "cache/change_marker.hpp"
#include "cache/freshness.hpp"

namespace forebay::backend {

/// One epoch of a change stream: from the first connect to the first trouble.
///
///     connect, make a slot, start the stream      connection for replication
///     connect, read the catalog → begin_epoch     connection for questions
///     while the cache is in use: leases, and whether the catalog is still the same
///     all the time: changes → marks
///
/// One thread, one poll() over both; while a question waits for its answer the stream is read on.
class StreamSession {
 public:
  /// `wake_fd` is an eventfd that is written to when there is something to look at sooner than planned.
  StreamSession(const Target& target, const std::string& database, cache::Freshness& freshness, int wake_fd);

  /// Returns why it ended, for people; empty when it `is_to_stop`, and then the server has forgotten the
  /// slot.
  std::string run(const std::function<bool()>& is_to_stop);
  /// Whether it ever came to an epoch.
  bool has_begun() const { return has_begun_; }

 private:
  enum class Stream { connecting, looking, making_slot, starting, running };
  enum class Question {
    connecting,
    preparing_lease,
    preparing_fingerprint,
    none,
    lease,
    fingerprint,
    catalog
  };

  struct Ready {
    bool stream = false;
    bool questions = false;
  };
  void say_goodbye();
  Ready wait() const;
  TimePoint next_event() const;
  TimePoint next_lease() const;
  TimePoint next_fingerprint() const;
  void check_deadlines(TimePoint now);

  // --- the connection for replication
  void advance_stream();
  void handle_stream_reply(const StreamConnection::Reply& reply);
  void look_at_server(const PGresult* facts);
  void read_stream();
  void handle_stream_message(std::string_view message);
  void send_status(TimePoint now);

  // --- the connection for questions
  void advance_questions();
  void handle_answer(const StreamConnection::Reply& reply);
  void handle_refusal();
  void ask_next(TimePoint now);
  bool is_in_use(TimePoint now) const;
  void ask_lease(TimePoint now);
  void ask_fingerprint(TimePoint now);
  void ask_catalog(TimePoint now);
  void note_look(TimePoint now);
  void handle_lease(const StreamConnection::Reply& reply);
  void handle_fingerprint(const StreamConnection::Reply& reply);
  void handle_catalog(const StreamConnection::Reply& reply);
  void renew_lease_when_complete();

  void fail(std::string why);
  void fail(const char* doing, const StreamConnection& connection);
  bool has_failed() const { return !failure_.empty(); }

  const Target& target_;
  const std::string& database_;
  cache::Freshness& freshness_;
  const int wake_fd_;
  const TimePoint started_ = Clock::now();
  const std::string identity_;  ///< random; makes the slot's name ours alone
  const std::string secret_;    ///< random; nobody else can write a nonce that we wait for
  std::string failure_;
  bool has_begun_ = false;

  std::unique_ptr<StreamConnection> stream_;
  Stream stream_state_ = Stream::connecting;
  bool slot_waits_ = false;  ///< and people have been told
  std::optional<cache::ChangeMarker> marker_;
  std::uint64_t processed_ = 0;  ///< position in the log up to which everything has been noted
  TimePoint stream_heard_ = started_;
  TimePoint next_status_ = TimePoint::max();

  std::unique_ptr<StreamConnection> questions_;
  Question question_ = Question::connecting;
  TimePoint asked_at_{};  ///< the question
  std::string fingerprint_;
  Duration fingerprint_took_{0};
  bool is_outdated_ = false;  ///< the catalog that is known, or it is not known yet
  int catalog_failures_ = 0;  ///< in a row
  TimePoint catalog_not_before_{};

  // The lease at hand. Complete when the answer and the nonce have come, in either order.
  bool lease_is_open_ = false;
  TimePoint lease_asked_at_{};
  std::uint64_t lease_number_ = 0;
  std::optional<cache::TransactionId> lease_visible_below_;

  // The look at the catalog, and the last one that found what is known. What the stream had brought before it
  // was asked for; nothing when the look may not have seen all of that.
  TimePoint fingerprint_asked_at_{};
  std::optional<std::uint64_t> asked_behind_;
  std::optional<std::uint64_t> confirmed_behind_;
};

}  // namespace forebay::backend
