#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backend/pool.hpp"
#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "engine/client_port.hpp"
#include "engine/statement_names.hpp"
#include "route/reader.hpp"
#include "sql/verdict.hpp"

namespace forebay::cache {
class Entry;
}

namespace forebay::engine {

class CodeLook;
class CodeWatch;
class DatabaseCache;
class SessionCalls;
class SessionReads;
class StatementTable;
struct Asker;
struct ReadBatch;
struct ReadRequest;
struct Reading;
struct SessionRouting;

/// A client's session on the way described in docs/life-of-a-query.md: bytes of messages in, a verdict for
/// each statement, a backend from the pool, answers out. It knows the session's state and either carries it
/// to whichever backend serves next, or keeps the backend until that state is gone.
///
/// Files: session.cpp is the path, session_messages.cpp what each message needs, session_statements.cpp the
/// same for prepared statements, session_cache.cpp answers from memory, session_routing.cpp sends reads to
/// replicas, session_statistics.cpp counts what statements come to, session_catalog.cpp is what asks the
/// server's catalog, session_state.cpp what happens to state when a transaction ends. Used by one thread.
class Session final : private backend::Lessee, private backend::Borrower, private backend::Holder {
 public:
  struct Identity {
    std::shared_ptr<backend::Pool> pool;
    std::array<backend::Permit, 2> permits;  ///< of the pool, see Pool::admit
    backend::ProfilePtr profile;
    std::string application_name;
    std::shared_ptr<DatabaseCache> cache;  ///< null: nothing is answered from memory
    /// Noted before the cache was found for the pool: when it has moved meanwhile, so does the session.
    std::uint64_t pool_generation = 0;
    backend::SessionSettingsPtr settings = nullptr;  ///< beside application_name; null: none
    bool refills = false;  ///< a client of our own: never answered from memory, but its answers are kept
    StatementTable* statements = nullptr;  ///< of the session's thread, outlives it; null: nothing is counted
  };

  /// `port` outlives the session. The client lives in `home` from now on, unless it is null or somebody else
  /// does; its process id is the one that the client is told.
  Session(ClientPort& port, Identity identity, backend::Backend* home);
  ~Session();

  /// Handles messages in [bytes, bytes + size) and returns how many bytes were used. The rest is the
  /// beginning of a message, or has to wait (is_blocked()); present it again, with what came behind it, after
  /// ClientPort::resume_input.
  std::size_t on_input(const std::byte* bytes, std::size_t size);
  bool is_blocked() const { return blocked_; }
  bool is_replication() const { return !profile_->replication.empty(); }

  void on_client_drained();
  /// Asks the server to cancel what runs for this client, if anything does. `waiting` is kept until it has
  /// got that.
  void cancel(std::shared_ptr<void> waiting = nullptr);
  /// Timed work: the command timeout.
  void sweep(TimePoint now);
  /// timeouts.command has struck, and the statement has not ended yet.
  bool is_overdue() const { return cancel_sent_; }

  // --- facts for the console and for shutdown
  backend::ClientId id() const { return id_; }
  const backend::Pool& pool() const { return *pool_; }
  const std::string& application_name() const;
  const backend::Backend* lent_backend() const { return backend_; }
  /// For a backend, or for the answer to what another client has asked.
  bool is_waiting() const;
  /// The pool that it waits for a backend of; null: it does not.
  const backend::Pool* awaited_pool() const { return waiting_ ? &lender() : nullptr; }
  /// Since when it waits, its statement runs, or everything has been answered.
  TimePoint state_since() const { return state_since_; }
  const backend::Profile& profile() const { return *profile_; }
  bool is_in_transaction() const;
  /// In a transaction, and everything that the client has sent is answered.
  bool is_idle_in_transaction() const;
  /// Why the backend is kept although no transaction is open; empty when it is not.
  std::string_view held_because() const;
  /// The client has got the beginning of a message: an error of ours would be read as part of it.
  bool is_inside_answer() const;
  std::size_t prepared_statements() const { return names_ == nullptr ? 0 : names_->size(); }

 private:
  enum class Step : std::uint8_t { used, incomplete, blocked, failed };
  /// Temporary views, and temporary tables with rules or triggers: they stand before what others know by the
  /// same name, and turn a write into one of something else. Unknown: code has run that may have made some.
  enum class Shadows : std::uint8_t { none, unknown, some };

  // session.cpp: the path
  Step take_message(const std::byte* at, std::size_t size, std::size_t& used);
  Step need_backend();
  void begin_waiting();
  void end_waiting();
  void give_up_waiting();
  void prepare_backend();
  void send_burst();
  void unblock();
  void note_abandoned();
  void end_lease();
  void refuse_waiting();
  void fail(std::string_view sqlstate, std::string message, std::string hint = {});

  // session_messages.cpp: what each message needs
  Step on_query(const std::byte* at, std::size_t total, std::size_t available);
  Step on_simple(const std::byte* at, std::size_t total, std::size_t available, wire::Request request);
  bool is_crowded(char type) const;
  Step wait_for_answers(std::size_t most_open);
  void look_at_answers();
  void look_for_end();
  void on_end_known(const backend::QuestionError* error, const backend::Rows& rows);
  Step on_sync(const std::byte* at);
  Step on_function_call(const std::byte* at, std::size_t total, std::size_t available);
  Step on_copy(const std::byte* at, std::size_t total, std::size_t available);
  Step stream_through(const std::byte* at, std::size_t total, std::size_t available);
  const sql::Verdict& judge(std::string_view text);
  static sql::Fingerprint judged_fingerprint();
  Step note_effects(const sql::Verdict& verdict, const ReadRequest& request);
  bool wants_own_session(const sql::Verdict& verdict) const;
  bool swap_for_fresh();
  void before_statement(const sql::Verdict& verdict, sql::Effects effects);
  void start_clock();
  void start_batch();
  bool has_foreign_sequences() const;
  Step before_taking_sequences();
  void take_sequences();
  void run_in_batch(std::string_view sql, std::uint64_t tag = 0);
  Step malformed(std::string message);
  Step drop(char type, std::size_t total, std::size_t available);
  void forward(const std::byte* at, std::size_t size);
  void forward(Bytes bytes);

  // session_statements.cpp: prepared statements
  Step on_parse(const std::byte* at, std::size_t total, std::size_t available);
  Step on_bind(const std::byte* at, std::size_t total, std::size_t available);
  Step on_describe_or_close(const std::byte* at, std::size_t total, std::size_t available);
  Step pass_long_parse(std::string_view name, const std::byte* at, std::size_t total, std::size_t available);
  Step prepare(std::string_view name, std::string_view text, Bytes types);
  Step note_statement(const PreparedStatement& statement, std::string_view values);
  void note_bound_settings(const PreparedStatement& statement, std::string_view values);
  Step close_statement(std::string_view name, const std::byte* at, std::size_t total);
  Step describe_statement(std::string_view name, const std::byte* at, std::size_t total);
  void ensure_prepared(const PreparedStatement& statement, bool are_settings_known);
  void ensure_unnamed(bool are_settings_known);
  Reading reading_of(const PreparedStatement& statement, bool are_settings_known) const;
  void prepare_again(const PreparedStatement& statement, std::string_view name, const Reading& reading,
                     std::uint64_t tag);
  bool is_prepared_here(std::uint64_t statement) const;
  bool are_settings_known() const;
  bool are_settings_untouched() const;
  std::optional<std::string> settings_of_parse() const;
  std::uint64_t make_room_for(std::uint64_t statement);
  void note_not_prepared(std::uint64_t statement, bool is_old_one_there);
  void close_prepared_here(std::uint64_t statement);
  static bool speaks_of_names(const sql::Verdict& verdict);
  void give_names_to_sql(const sql::Verdict& verdict);
  void make_native(std::string_view name, const PreparedStatement& statement, bool is_removed);
  PreparedStatementPtr make_private(std::string_view text, Bytes types);
  StatementNames& names();
  const PreparedStatementPtr* find_statement(std::string_view name) const;
  bool is_undecided(std::string_view name) const;
  Step wait_for_outcome();
  void outcome_is_known();

  // session_cache.cpp: answers from memory
  void begin_reads();
  bool may_ask_cache(char type) const;
  Step ask_cache(const std::byte* at, std::size_t size, std::size_t& used);
  Step wait_for_leader();
  void on_landing();
  bool is_following() const;
  bool look_for_release(const std::vector<ReadRequest>& batch);
  void note_unnamed(const std::vector<ReadRequest>& batch);
  bool explain(const ReadRequest& request);
  void answer_from_memory(Bytes answer);
  void flush_answers();
  void tell_cache(const sql::Verdict& verdict, sql::Effects effects, const ReadRequest& request);
  void tell_cache_of_unknown();

  // session_statistics.cpp: what statements come to
  void begin_calls();
  Asker asker() const;
  std::uint32_t count_query(std::string_view text, const sql::Verdict& verdict);
  std::uint32_t count_preparation(const PreparedStatement& statement);
  std::uint32_t count_bind(std::string_view portal, const PreparedStatement* statement,
                           std::string_view values);
  std::uint32_t count_execute(Bytes message);
  void count_hits(const std::vector<std::shared_ptr<const cache::Entry>>& entries,
                  const std::vector<ReadRequest>& requests);
  bool shows_rows() const;
  void note_failed_call(const wire::Expectation& cause, std::string_view body);

  // session_routing.cpp: reads that replicas may answer
  void begin_routing();
  bool may_route(char type) const;
  Step route_batch(const std::byte* at, std::size_t size);
  bool looks_for_release(const std::byte* at, std::size_t size);
  std::optional<route::Floor> floor_of(const ReadBatch& batch, const config::Settings& settings) const;
  bool are_plain_reads(const ReadBatch& batch, const std::vector<std::string>& but_of);
  bool waits_for_replica(const route::Topology& topology, TimePoint now, bool has_server);
  Step wait_for_news();
  void look_again();
  bool open_attempt(const route::Topology& topology, std::size_t server, Bytes batch, bool is_alone,
                    TimePoint now);
  bool find_lender(const route::Topology& topology, std::size_t server);
  void close_attempt(std::uint64_t micros = 0, TimePoint now = {});
  bool is_on_replica() const;
  backend::Pool& lender() const;
  void note_answered();
  void note_primary();
  bool hold_answer(Bytes bytes);
  void note_refusal(std::string_view body);
  void settle_for_primary();
  bool can_ask_elsewhere() const;
  void leave_lost_primary();
  void leave_replica();
  void ask_elsewhere();

  // session_catalog.cpp: what the code in the database may do
  bool look_at_catalog();
  void look_at_catalog_and_probe();
  void finish_look(bool success);
  void finish_probe_later();
  void on_code_fingerprint(const backend::QuestionError* error, const backend::Rows& rows);
  void on_code_read(const backend::QuestionError* error, const backend::Rows& rows);
  sql::Effects reach_of(const sql::Verdict& verdict) const;

  // session_state.cpp: carry or hold
  bool is_answer_for_client() const;
  bool is_leaving() const;
  void settle();
  void settle_late();
  void settle_transaction();
  void note_discards(sql::Effects effects, bool failed);
  void note_discards_in_batch();
  void note_global_changes(sql::Effects effects);
  void ask(const std::string& sql,
           void (Session::*then)(const backend::QuestionError* error, const backend::Rows& rows));
  void read_settings_back();
  void on_settings_read(const backend::QuestionError* error, const backend::Rows& rows);
  void restore_application_name();
  void on_deallocated(const backend::QuestionError* error, const backend::Rows& rows);
  void on_restored(const backend::QuestionError* error, const backend::Rows& rows);
  bool may_probe() const;
  void probe();
  void on_probe(const backend::QuestionError* error, const backend::Rows& rows);
  void on_shadows(const backend::QuestionError* error, const backend::Rows& rows);
  void forget_shadows();
  bool looks_for_shadows(char type);
  void hold(std::string_view because);
  bool keeps_backend() const;
  bool has_unread_custom_setting() const;
  void keep_or_give_back();
  void give_back();

  // backend::Lessee
  bool on_output(Bytes bytes) override;
  void on_settled() override;
  void on_drained() override;
  void on_lost(const backend::Loss& loss) override;
  bool is_outcome_unknown(const backend::Loss& loss) const;
  void on_done(const wire::Expectation& expectation) override;
  void on_skipped(const wire::Expectation& skipped, bool failed) override;
  std::optional<std::string_view> on_error(const wire::Expectation* cause, std::string_view body) override;
  void on_notification(std::byte* process_id) override;
  void on_command(const wire::Expectation& expectation, char type, std::string_view body,
                  std::uint64_t rows) override;
  void on_result(const wire::Expectation& expectation, char type, std::string_view body) override;
  void on_ready() override;

  // backend::Borrower
  void on_checkout(backend::Backend& backend) override;
  void on_checkout_failed(const backend::Login::Refusal& refusal) override;
  const backend::ProfilePtr& wanted_profile() const override { return profile_; }
  const backend::SessionSettingsPtr& wanted_settings() const override { return settings_; }
  bool wants_fresh() const override { return wants_fresh_; }

  // backend::Holder
  void on_release_wanted(bool urgent) override;

  // constant after construction
  ClientPort& port_;
  const std::shared_ptr<backend::Pool> pool_;
  const std::array<backend::Permit, 2> permits_;  ///< after the pool, which has what they are of
  const backend::ProfilePtr profile_;
  const backend::ClientId id_;
  const bool refills_;
  StatementTable* const statements_;      ///< null: nothing is counted
  const std::uint64_t pool_generation_;   ///< when the cache was found
  std::shared_ptr<DatabaseCache> cache_;  ///< until reads_ has it; null: nothing is answered from memory
  const std::shared_ptr<CodeWatch> code_;

  // what the client's session is, whichever backend serves it
  backend::SessionSettingsPtr initial_settings_;  ///< application_name of the start-up packet
  backend::SessionSettingsPtr settings_;
  std::unique_ptr<SessionReads> reads_;      ///< null: the cache is off, or nothing has been asked yet
  std::unique_ptr<SessionCalls> calls_;      ///< null: nothing is counted, or nothing has been asked yet
  std::unique_ptr<SessionRouting> routing_;  ///< null: there are no replicas, or nothing has been asked yet
  std::unique_ptr<StatementNames> names_;    ///< of prepared statements; null until the first Parse
  std::unique_ptr<wire::ErrorMessage> last_words_;  ///< the client is to be told this, and then to go
  std::unique_ptr<std::vector<std::string>>
      touched_settings_;            ///< names to read back when the transaction ends
  std::unique_ptr<CodeLook> look_;  ///< at the catalog, while it is being read

  // the lease at hand
  backend::Backend* backend_ = nullptr;
  std::size_t body_left_ = 0;      ///< bytes still to come of a message that flows through
  sql::Effects effects_;           ///< of everything since the backend was last known clean
  sql::Effects lifetime_effects_;  ///< of everything on this backend since it was lent
  std::string_view held_because_;  ///< static text; empty: not held
  TimePoint state_since_{};
  TimePoint transaction_since_{};    ///< of the first message since the last transaction ended
  bool drop_body_ : 1 = false;       ///< the message that flows through goes nowhere
  bool waiting_ : 1 = false;         ///< in the pool's queue
  bool blocked_ : 1 = false;         ///< input has to wait
  bool preparing_ : 1 = false;       ///< the backend is being tested or given the session's settings
  bool asking_ : 1 = false;          ///< a question about the session's state is on its way
  bool in_batch_ : 1 = false;        ///< extended-protocol messages without their Sync yet
  bool barrier_ : 1 = false;         ///< what was sent changes the session: nothing more until it is answered
  bool awaits_outcome_ : 1 = false;  ///< the message at hand waits for the fate of an earlier Parse or Close
  bool error_seen_ : 1 = false;      ///< since the last ReadyForQuery
  bool failed_ : 1 = false;          ///< what the last ReadyForQuery ended
  bool discard_failed_ : 1 = false;  ///< one of the transaction at hand, or what came with it
  bool unsettled_ : 1 = false;       ///< a ReadyForQuery has come since the state was last looked at
  bool probes_after_look_ : 1 = false;  ///< the catalog is being asked for the sake of a look at the session
  bool ran_since_probe_ : 1 = false;    ///< a statement ran since the state was last looked at
  bool release_wanted_ : 1 = false;     ///< others wait for the backend that is held
  bool unreadable_ : 1 = false;     ///< holds settings that this role may not read, so a look cannot clear it
  bool any_setting_ : 1 = false;    ///< settings changed whose names are not known
  bool write_pending_ : 1 = false;  ///< the server takes no more for now
  bool terminated_ : 1 = false;     ///< the client said good-bye
  bool ran_anything_ : 1 = false;   ///< the client has run a statement
  bool wants_fresh_ : 1 = false;    ///< the next backend must be one that nobody has used
  bool cancel_at_start_ : 1 =
      false;                   ///< cancelled before the query was sent: the server is told once it has it
  bool refusing_ : 1 = false;  ///< cancelled while it waited: input is dropped up to the end of the batch
  Shadows shadows_ : 2 = Shadows::none;
  bool asks_for_shadows_ : 1 = false;  ///< something was written while they were unknown
  bool client_full_ : 1 = false;       ///< answers from memory wait to be taken
  bool awaits_answers_ : 1 =
      false;  ///< the message at hand waits until no more than most_open_ are outstanding
  bool lexing_in_doubt_ : 1 = false;  ///< what is outstanding may change how texts are read
  bool takes_sequences_ : 1 = false;  ///< a question within the batch is to make other clients' be forgotten
  bool discards_ : 1 =
      false;  ///< DISCARD or DEALLOCATE ALL has been sent, and more may follow before it ends
  std::uint16_t most_open_ = 0;
  bool has_followed_ : 1 = false;  ///< the batch at hand has waited for somebody else's answer
  bool cancel_sent_ : 1 = false;   ///< the command timeout has struck
};

}  // namespace forebay::engine
