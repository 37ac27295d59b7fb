#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backend/slot_claim.hpp"
#include "backend/slot_stream.hpp"
#include "backend/stream_connection.hpp"
#include "backend/stream_wish.hpp"
#include "backend/target.hpp"
#include "base/clock.hpp"
#include "cache/freshness.hpp"
#include "net/waker.hpp"

namespace forebay::backend {

/// From the first connect to the first trouble, at the best level that is wanted and that the server allows:
///
///     connect, look what the server allows        connection for questions
///     connect, make a slot, start the stream      SlotStream; where that fails, the level is a lower one
///     read the catalog → begin_epoch
///     while the cache is in use: leases, and whether the catalog is still the same
///     bounded, all the time: changes → marks; outbox: a lease is a look at it, changes → marks
///     at a lower level, now and then: whether there can be a better one → another epoch
///
/// One thread, one poll() over both; while a question waits for its answer the stream is read on.
class StreamSession {
 public:
  /// `waker` wakes it when there is something to look at sooner than planned. All that is referred to
  /// outlives this object.
  StreamSession(const Target& target, const std::string& database, StreamWish wish,
                cache::Freshness& freshness, const net::Waker& waker);

  /// Returns why it ended, for people; empty when it `is_to_stop`, and then the server has forgotten the
  /// slot.
  std::string run(const std::function<bool()>& is_to_stop);
  /// Whether it ever came to an epoch, at whatever level.
  bool has_begun() const { return has_begun_; }

 private:
  enum class Question {
    connecting,
    decoding,  ///< whether it is allowed
    outbox,    ///< whether there is one
    preparing,
    none,
    lease,
    poll,
    removal,
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

  // --- the stream
  void try_stream();
  void follow_stream(TimePoint now);
  void give_up_stream();
  void do_without_stream(std::string why);
  void note_waiting(std::string why);
  void begin_level(cache::Level level);
  void note_trouble();
  bool may_rise() const { return wish_.level == config::CacheLevel::best && level_ != cache::Level::bounded; }

  // --- the connection for questions
  void advance_questions();
  void handle_answer(const StreamConnection::Reply& reply);
  void handle_refusal();
  void wait_for_lock();
  void ask_next(TimePoint now);
  void ask_for_decoding(TimePoint now);
  void ask_for_outbox(TimePoint now);
  std::size_t needed_statements() const;
  void prepare_next(TimePoint now);
  bool is_in_use(TimePoint now) const;
  void ask_lease(TimePoint now);
  void ask_poll(TimePoint now);
  void ask_removal(TimePoint now);
  void ask_fingerprint(TimePoint now);
  void ask_catalog(TimePoint now);
  void note_look(TimePoint now);
  void handle_decoding(const StreamConnection::Reply& reply);
  void handle_outbox(const StreamConnection::Reply& reply);
  void handle_lease(const StreamConnection::Reply& reply);
  void handle_poll(const StreamConnection::Reply& reply);
  void handle_removal(const StreamConnection::Reply& reply);
  void handle_fingerprint(const StreamConnection::Reply& reply);
  void handle_catalog(const StreamConnection::Reply& reply);
  void renew_lease_when_complete();
  void confirm_catalog();
  std::shared_ptr<const cache::Catalog> make_catalog(const PGresult* rows);
  void begin_epoch(const PGresult* snapshot, const PGresult* catalog);

  void fail(std::string why);
  void fail(const char* doing, const StreamConnection& connection);
  bool has_failed() const { return !failure_.empty(); }

  const Target& target_;
  const std::string& database_;
  const StreamWish wish_;
  cache::Freshness& freshness_;
  const net::Waker& waker_;
  const std::string secret_;  ///< random; nobody else can write a nonce that we wait for
  std::string failure_;
  cache::Level level_ = cache::Level::none;  ///< none: it is not decided yet
  bool has_epoch_ = false;                   ///< at this level
  bool has_begun_ = false;

  std::optional<SlotClaim> claim_;
  std::unique_ptr<SlotStream> stream_;  ///< at a lower level than bounded: is being tried, or null
  std::string why_no_stream_;
  std::string why_no_outbox_;
  TimePoint next_try_{};
  Duration try_pause_;

  std::unique_ptr<StreamConnection> questions_;
  Question question_ = Question::connecting;
  std::size_t prepared_ = 0;             ///< statements
  bool is_decoding_looked_for_ = false;  ///< as soon as it can be
  bool is_outbox_looked_for_ = false;    ///< the same
  TimePoint asked_at_{};                 ///< the question
  std::string fingerprint_;
  Duration fingerprint_took_{0};
  bool is_outdated_ = false;  ///< the catalog that is known, or it is not known yet
  int catalog_failures_ = 0;  ///< in a row
  int catalog_locks_ = 0;     ///< likewise: it could not be read for somebody's lock
  TimePoint catalog_not_before_{};

  // The lease at hand. Complete when the answer has come, and the stream past the position that it names.
  bool lease_is_open_ = false;
  TimePoint lease_asked_at_{};
  std::uint64_t lease_number_ = 0;
  std::optional<cache::TransactionId> lease_visible_below_;

  // At the level outbox: what was visible at the last look at it; and what may be removed later, for every
  // Forebay will have seen it.
  std::string snapshot_;
  std::string removable_below_;
  TimePoint removable_since_{};

  // The look at the catalog, and the last one that found what is known. What the stream had brought before it
  // was asked for; nothing when the look may not have seen all of that.
  TimePoint fingerprint_asked_at_{};
  std::optional<std::uint64_t> asked_behind_;
  std::optional<std::uint64_t> confirmed_behind_;
};

}  // namespace forebay::backend
