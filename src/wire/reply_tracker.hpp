#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ring.hpp"
#include "wire/splice.hpp"

namespace forebay::wire {

/// What a message that went to the server will be answered with.
enum class Request : std::uint8_t {
  parse,
  bind,
  close,
  describe_statement,
  describe_portal,
  execute,
  sync,
  query,
  function_call,
  copy_end,  ///< CopyDone or CopyFail: no answer of its own, marks which Syncs a COPY swallows
};

/// One message whose answer is outstanding.
struct Expectation {
  Request request = Request::sync;
  bool silent = false;         ///< ours, not the client's: the answer is swallowed
  bool answered_here = false;  ///< never sent to the server: the answer is made up when its turn comes
  bool shows_rows = false;     ///< the owner looks at its result, see Observer::on_result
  std::uint32_t call = 0;      ///< the owner's: which of its statements runs; 0: none that is followed
  std::uint64_t tag = 0;  ///< the owner's: what the message is about; 0 when its outcome need not be told
};

/// Follows a server's answers, so that at any moment it is known what is outstanding, which transaction state
/// the session is in, and which bytes belong to whom. Pure state: feed it bytes, it fills a Splice for the
/// client.
///
///     tracker.expect({Request::query});      // after writing a Query
///     const auto fed = tracker.feed(bytes, size, to_client, observer);
///     // keep bytes[fed.consumed..size] for the next feed; if (!fed.valid) close the connection
///     if (tracker.is_idle()) …               // every message has been answered
///
/// A message that has to be seen whole waits until it is complete; all others flow through in pieces, so rows
/// of any size need no memory. Not thread safe.
class ReplyTracker {
 public:
  /// Told of what the owner has to know. Called from inside feed().
  class Observer {
   public:
    /// A Parse, Close or Query with a tag has been answered.
    virtual void on_done(const Expectation& expectation) = 0;
    /// One that `failed`, or that the server skipped because something before it failed.
    virtual void on_skipped(const Expectation& expectation, bool failed) = 0;
    virtual void on_parameter_status(std::string_view name, std::string_view value) = 0;
    /// An ErrorResponse about `cause` (null when nothing was outstanding). A body that is returned replaces
    /// the server's; where none is, nothing is passed on. An error longer than kMaxWholeMessage is passed on
    /// without asking; `body` is then empty.
    virtual std::optional<std::string_view> on_error(const Expectation* cause, std::string_view body) = 0;
    /// A message of the answer to a silent query, complete; a row longer than kMaxSilentRow is empty.
    virtual void on_silent_message(char type, std::string_view body) = 0;
    /// A statement of the expectation, which names a call, has ended well, or a portal has more rows:
    /// CommandComplete (`body` is its tag, with the NUL), EmptyQueryResponse or PortalSuspended, after so
    /// many `rows`.
    virtual void on_command(const Expectation& expectation, char type, std::string_view body,
                            std::uint64_t rows) = 0;
    /// A RowDescription or DataRow of an expectation that shows_rows, if it has come as a whole with what is
    /// being fed: of long results some rows have not.
    virtual void on_result(const Expectation& expectation, char type, std::string_view body) = 0;
    /// ReadyForQuery of a query or sync; `silent` when it was ours.
    virtual void on_ready(bool silent) = 0;
    /// The notifying backend's process id may be changed in place.
    virtual void on_notification(std::byte* process_id) = 0;

   protected:
    ~Observer() = default;
  };

  struct Fed {
    std::size_t consumed =
        0;              ///< the rest is the beginning of a message: present it again, with more behind it
    bool valid = true;  ///< false: the server broke the protocol
  };

  /// Longest message that is waited for as a whole.
  static constexpr std::size_t kMaxWholeMessage = 32 * 1024;
  /// Longest row of an answer to a silent query that is gathered from its pieces.
  static constexpr std::size_t kMaxSilentRow = 16 * 1024 * 1024;

  ReplyTracker() = default;

  /// Notes a message that has been written to the server (or, with answered_here, one that is answered by us
  /// in its turn). `to_client` and `observer` are used when it can be answered at once.
  void expect(const Expectation& expectation, Splice& to_client, Observer& observer);

  Fed feed(std::byte* bytes, std::size_t size, Splice& to_client, Observer& observer);

  bool is_idle() const { return outstanding_.empty() && !skipping_ && body_left_ == 0; }
  /// Whether the server reads COPY data from the client at present.
  bool is_copy_in() const { return copy_in_; }
  /// Nothing is outstanding but Syncs that the server may have read as part of a COPY that then failed, and
  /// does not answer in that case. What a query of the owner's own is answered with tells.
  bool may_be_over() const;
  /// The server ignores what comes until a Sync, and has perhaps got none yet.
  bool may_want_sync() const;
  /// 'I', 'T' or 'E' as of the last ReadyForQuery.
  char transaction_status() const { return transaction_status_; }
  /// The client has got the beginning of a message: nothing but its rest may be sent now.
  bool is_inside_message() const { return body_left_ > 0 && flow_ == Flow::pass; }
  std::size_t outstanding() const { return outstanding_.size(); }
  /// Whether the answer that is due next belongs to a query of ours.
  bool in_silent_query() const;
  /// Takes `status` over from the login.
  void set_transaction_status(char status) { transaction_status_ = status; }
  /// Gives memory back.
  void shrink() { outstanding_.shrink(); }

 private:
  enum class Flow : std::uint8_t { pass, drop, gather };

  static bool is_seen_whole(char type);
  bool handle(char type, std::byte* message, std::size_t size, Splice& to_client, Observer& observer);
  bool finish(Request request, Splice& to_client, const std::byte* message, std::size_t size,
              Observer& observer);
  bool finish_describe(Splice& to_client, const std::byte* message, std::size_t size, Observer& observer);
  void handle_copy_in();
  void finish_copy();
  bool is_told_by_silent_sync() const;
  void tell_result(char type, Bytes message, Observer& observer) const;
  void tell_command(char type, std::string_view body, Observer& observer);
  void drop_unsure_syncs(Splice& to_client, Observer& observer);
  std::uint32_t count(Request request) const;
  void handle_error(std::byte* message, std::size_t size, Splice& to_client, Observer& observer);
  bool handle_ready(std::byte* message, std::size_t size, Splice& to_client, Observer& observer);
  void fail_until_sync(Observer& observer);
  void settle_front(Splice& to_client, Observer& observer);
  bool front_is(Request request) const {
    return !outstanding_.empty() && outstanding_.front().request == request;
  }

  Ring<Expectation> outstanding_;
  std::size_t body_left_ = 0;  ///< bytes still to come of a message that flows through
  Flow flow_ = Flow::pass;
  std::string gathered_;  ///< the body of the row that comes in pieces
  char transaction_status_ = 'I';
  bool skipping_ =
      false;  ///< after an error in the extended protocol the server ignores everything up to a Sync
  bool copy_in_ = false;
  bool copying_ = false;    ///< a COPY from the client has begun and not ended
  bool ignoring_ = false;   ///< the server ignores what comes, until a Sync that it has perhaps not got yet
  std::uint64_t rows_ = 0;  ///< of the statement whose answer is due
  std::uint32_t unsure_syncs_ = 0;  ///< of those that are outstanding, so many may never be answered
};

}  // namespace forebay::wire
