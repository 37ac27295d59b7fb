#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "backend/cancel_guard.hpp"
#include "backend/login.hpp"
#include "backend/profile.hpp"
#include "backend/quota.hpp"
#include "backend/session_settings.hpp"
#include "base/clock.hpp"
#include "base/intrusive_list.hpp"
#include "net/channel.hpp"
#include "wire/data_row.hpp"
#include "wire/reply_tracker.hpp"

namespace forebay::backend {

class Backend;
class Borrower;
class Pool;
class Target;

/// Identifies a client among all of the process. Never reused; 0 is nobody.
enum class ClientId : std::uint64_t { nobody = 0 };

/// Rows of a question of ours; a missing value is NULL.
using Rows = std::vector<wire::Row>;

/// A failed question, in the server's words.
struct QuestionError {
  std::string sqlstate;
  std::string message;
};

/// How a backend that was lent has come to its end.
struct Loss {
  const wire::ErrorMessage& error;  ///< what the client may be told
  bool is_told;                     ///< the server's own FATAL error has reached it, or nothing can be said
  bool is_unanswered;               ///< something that was sent
  char transaction_status;          ///< as the server said last
};

/// Whoever a backend is lent to. Called by the backend's thread.
class Lessee {
 public:
  /// Bytes for the client. False when they could not be delivered at once: the backend then reads no more
  /// until resume_reading().
  virtual bool on_output(Bytes bytes) = 0;
  /// Everything that was sent has been answered.
  virtual void on_settled() = 0;
  /// What could not be written to the server has now been written.
  virtual void on_drained() = 0;
  /// The backend is gone and no longer lent.
  virtual void on_lost(const Loss& loss) = 0;

  /// See wire::ReplyTracker::Observer.
  virtual void on_done(const wire::Expectation& expectation) = 0;
  virtual void on_skipped(const wire::Expectation& expectation, bool failed) = 0;
  /// See wire::ReplyTracker::Observer::on_error.
  virtual std::optional<std::string_view> on_error(const wire::Expectation* cause, std::string_view body) = 0;
  virtual void on_notification(std::byte* process_id) = 0;
  /// See wire::ReplyTracker::Observer; only of expectations that name a call.
  virtual void on_command(const wire::Expectation& /*expectation*/, char /*type*/, std::string_view /*body*/,
                          std::uint64_t /*rows*/) {}
  /// Likewise; only of expectations that show rows.
  virtual void on_result(const wire::Expectation& /*expectation*/, char /*type*/, std::string_view /*body*/) {
  }
  /// A batch of the client's (a Query or a Sync) has been answered.
  virtual void on_ready() = 0;

 protected:
  ~Lessee() = default;
};

struct BackendIdleTag;
struct BackendAllTag;

/// Our connection to a server: opening it, following what is outstanding on it, and what its session holds.
/// Owned by its pool. Used by one thread at a time, the one whose loop it is attached to.
class Backend final : public net::Handler,
                      public ListHook<BackendIdleTag>,
                      public ListHook<BackendAllTag>,
                      private wire::ReplyTracker::Observer {
 public:
  enum class State : std::uint8_t { connecting, asking_for_tls, handshaking, logging_in, idle, lent, closed };

  /// `pool` outlives the backend. Nothing happens until open().
  Backend(Pool& pool, ProfilePtr profile);
  ~Backend();

  // --- opening, by the pool
  /// Connects and logs in; ends in Pool::on_opened or Pool::on_open_failed, never from inside this call.
  void open(std::vector<wire::Parameter> startup, Credentials credentials);

  // --- lending, by the pool
  void lend(Lessee& lessee);
  /// Back to nobody; only when is_settled().
  void take_back();
  void close();
  /// Gives an attempt to connect up that takes too long.
  void expire_opening();
  /// Gives the connection up, as if the server had closed it: the lessee hears of it. For a server that says
  /// nothing for `silence`.
  void give_up(Duration silence);
  /// The same, because the server must not be used any more; whether it is open or on its way.
  void sever(const std::string& why);
  /// What it counts against; given back when it is destroyed.
  void hold_permits(std::array<Permit, 3> permits) { permits_ = std::move(permits); }
  void detach() { channel_.detach(); }
  bool attach(net::Loop& loop) { return channel_.attach(loop, *this); }

  // --- for the lessee
  /// Notes a message that is about to be written (see wire::ReplyTracker::expect).
  void expect(const wire::Expectation& expectation);
  /// Writes bytes of messages noted before. False: the rest is pending, stop producing until on_drained().
  bool write(Bytes bytes);
  void resume_reading();
  bool is_settled() const { return tracker_.is_idle() && !channel_.has_pending(); }
  const wire::ReplyTracker& tracker() const { return tracker_; }
  /// Hands answers that were made up on the spot (expectations answered here) to the lessee.
  void deliver_made_up_answers();

  /// Asks the server something of our own; only when is_settled(). `answer` is called with the rows of the
  /// last statement that returned any, or with the first error. Not called when the backend is lost: on_lost
  /// is.
  using Answer = std::function<void(const QuestionError* error, Rows rows)>;
  void ask(std::string_view sql, Answer answer);
  /// A question of ours is on its way.
  bool is_asking() const { return question_ != nullptr; }
  /// Who asked has gone: `answer` gets what comes instead. Only while is_asking().
  void redirect_answer(Answer answer);

  // --- what its session holds
  const ProfilePtr& profile() const { return profile_; }
  const SessionSettingsPtr& settings() const { return settings_; }
  void set_settings(SessionSettingsPtr settings) { settings_ = std::move(settings); }
  const wire::CancelKey& cancel_key() const { return cancel_key_; }
  /// ParameterStatus values of a new session, whatever clients have set since.
  const std::vector<wire::Parameter>& greeting() const { return greeting_; }
  bool standard_conforming_strings() const { return standard_conforming_strings_; }
  /// client_encoding is one in which a byte of a longer character can look like ASCII.
  bool encoding_embeds_ascii() const { return encoding_embeds_ascii_; }

  /// Statements prepared here under our own names, by id; the value is a use counter for eviction.
  using Prepared = boost::unordered_flat_map<std::uint64_t, std::uint64_t>;
  Prepared& prepared() { return prepared_; }
  std::size_t prepared_count() const { return prepared_.size(); }
  std::uint64_t next_use() { return ++uses_; }
  static constexpr std::uint64_t kUnknownStatement = ~std::uint64_t{0};
  /// The statement that the unnamed name stands for: 0 none; else its id.
  std::uint64_t unnamed_statement() const { return unnamed_statement_; }
  void set_unnamed_statement(std::uint64_t number) { unnamed_statement_ = number; }

  /// The client that lives here: its process id is this backend's, and it gets this backend first. Null:
  /// nobody.
  Borrower* resident() const { return resident_; }
  /// Whether nobody but `client` has ever run anything here.
  bool is_fresh_for(ClientId client) const {
    return !shared_ && (only_user_ == ClientId::nobody || only_user_ == client);
  }
  bool is_fresh() const { return is_fresh_for(ClientId::nobody); }
  /// It was opened for somebody else.
  void set_second_hand() { shared_ = true; }
  void note_user(ClientId client) {
    shared_ = !is_fresh_for(client);
    only_user_ = client;
  }

  // --- facts for the pool and the console
  /// Unique in the process, never reused.
  std::uint64_t id() const { return id_; }
  Pool& pool() const { return pool_; }
  /// What it was opened to, which the pool may have left since; from open() on.
  const Target& target() const { return *target_; }
  State state() const { return state_; }
  Lessee* lessee() const { return lessee_; }
  TimePoint opened_at() const { return opened_at_; }
  /// How long a question of ours has been without an answer; zero when there is none.
  Duration unanswered_for(TimePoint now) const;
  /// Asks the server to cancel it, once: whoever asked gets an error, and goes on without an answer.
  void cancel_question();
  TimePoint changed_at() const { return changed_at_; }
  std::uint64_t generation() const { return generation_; }
  std::uint64_t defaults_generation() const { return defaults_generation_; }
  const net::Stream& stream() const { return channel_.stream(); }
  /// Asks the server to cancel what runs here, over a connection of its own; see send_cancel.
  void request_cancel(std::shared_ptr<void> waiting = nullptr);
  /// A cancel request is on its way: until it has arrived the backend must not serve another client.
  bool has_cancel_in_flight() const { return cancel_guard_.use_count() > 1 || has_overdue_cancel(); }
  /// The server has said FATAL: nothing comes any more.
  bool is_ended() const { return fatal_told_; }
  /// For as long as it lives: no other client can be safe here.
  bool has_overdue_cancel() const { return cancel_guard_ != nullptr && cancel_guard_->overdue; }
  std::size_t cancels_in_flight() const {
    return cancel_guard_ == nullptr ? 0 : static_cast<std::size_t>(cancel_guard_.use_count() - 1);
  }
  /// The client whose sequence values (currval, lastval) the session remembers.
  ClientId sequence_owner() const { return sequence_owner_; }
  void set_sequence_owner(ClientId client) { sequence_owner_ = client; }

  void on_io(std::uint32_t events) override;

 private:
  struct Opening;
  struct Question;

  bool connect_next();
  void note_failure(std::string_view what);
  void try_another(std::string_view why);
  void on_connected();
  void ask_for_tls();
  void on_tls_answer();
  void continue_handshake();
  void start_login();
  void read_login();
  void finish_login();
  void fail_opening(Login::Refusal refusal);
  void fail_opening(std::string_view what);
  void fail_opening(std::string_view sqlstate, std::string_view what);
  void refuse_server(std::string_view why);

  void read_later();
  void read_replies();
  bool read_more(std::byte*& bytes, std::size_t& size);
  void keep_rest(const std::byte* bytes, std::size_t size);
  void flush();
  void lose(const wire::ErrorMessage& error);
  void finish_question();
  void note_parameter(std::string_view name, std::string_view value);
  std::string where() const;

  void on_done(const wire::Expectation& expectation) override;
  void on_skipped(const wire::Expectation& expectation, bool failed) override;
  void on_parameter_status(std::string_view name, std::string_view value) override;
  std::optional<std::string_view> on_error(const wire::Expectation* cause, std::string_view body) override;
  void on_silent_message(char type, std::string_view body) override;
  void on_result(const wire::Expectation& expectation, char type, std::string_view body) override;
  void on_command(const wire::Expectation& expectation, char type, std::string_view body,
                  std::uint64_t rows) override;
  void on_ready(bool silent) override;
  void on_notification(std::byte* process_id) override;

  const std::uint64_t id_;
  Pool& pool_;
  const ProfilePtr profile_;
  std::shared_ptr<const Target> target_;  ///< since open()
  std::array<Permit, 3> permits_;
  net::Channel channel_;
  State state_ = State::connecting;
  std::shared_ptr<CancelGuard> cancel_guard_;
  Lessee* lessee_ = nullptr;
  wire::ReplyTracker tracker_;
  std::vector<std::byte> partial_;      ///< the beginning of a message whose rest has not come
  std::unique_ptr<Opening> opening_;    ///< until the login is over
  std::unique_ptr<Question> question_;  ///< while we ask something
  bool fatal_told_ = false;             ///< the server has said FATAL, to the lessee if there is one
  bool standard_conforming_strings_ = true;
  bool encoding_embeds_ascii_ = false;
  bool answered_ = false;  ///< a batch was answered in the present feed

  SessionSettingsPtr settings_;
  Prepared prepared_;
  std::uint64_t uses_ = 0;
  std::uint64_t unnamed_statement_ = 0;
  friend class Pool;
  Borrower* resident_ = nullptr;  ///< set by the pool, which keeps both ends in step
  ClientId only_user_ = ClientId::nobody;
  bool shared_ = false;
  ClientId sequence_owner_ = ClientId::nobody;
  wire::CancelKey cancel_key_;
  std::vector<wire::Parameter> greeting_;
  TimePoint opened_at_;
  TimePoint changed_at_;
  std::uint64_t generation_ = 0;
  std::uint64_t defaults_generation_ = 0;
};

}  // namespace forebay::backend
