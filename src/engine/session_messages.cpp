// What each message of a client needs before it may go to the server.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "backend/pool_directory.hpp"
#include "engine/burst.hpp"
#include "engine/code_watch.hpp"
#include "engine/custom_settings.hpp"
#include "engine/effect_sets.hpp"
#include "engine/message_parts.hpp"
#include "engine/read_request.hpp"
#include "engine/session.hpp"
#include "engine/session_calls.hpp"
#include "engine/session_reads.hpp"
#include "engine/session_routing.hpp"
#include "sql/verdict_cache.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

using wire::kHeaderSize;

/// Large-object functions are what clients call by FunctionCall; they leave nothing in the session. OIDs as
/// in catalog/pg_proc.dat: lo_open, lo_close, loread, lowrite, lo_lseek, lo_creat, lo_tell, lo_unlink,
/// lo_create, lo_truncate and the 64-bit ones.
constexpr std::uint32_t kLargeObjectFunctions[] = {952, 953, 954,  955,  956,  957, 958,
                                                   964, 715, 1004, 3170, 3171, 3172};

/// What these look at or leave is told apart from what an earlier client left on the backend.
constexpr Effects kUseSequences = Effect::reads_sequence_state | Effect::advances_sequence | kDoubtful;

bool is_short_message(char type) {
  using namespace wire::frontend;
  return type == kSync || type == kFlush || type == kTerminate || type == kExecute || type == kClose ||
         type == kDescribe || type == kCopyDone || type == kCopyFail;
}

/// What these are answered with is remembered until the answer comes.
bool is_answered(char type) {
  using namespace wire::frontend;
  return type == kQuery || type == kParse || type == kBind || type == kDescribe || type == kClose ||
         type == kExecute || type == kSync || type == kFunctionCall;
}

bool ends_copy(char type) {
  return type == wire::frontend::kCopyDone || type == wire::frontend::kCopyFail;
}

sql::VerdictCache& verdict_cache() {
  thread_local sql::VerdictCache cache;
  return cache;
}

/// Of a text that the server may read in either way: most mean the same in both.
const sql::Verdict& judge_in_doubt(std::string_view text) {
  thread_local sql::Verdict one;
  one = verdict_cache().of(text, true, false);
  for (const bool conforms : {true, false}) {
    for (const bool embeds : {true, false}) {
      if (verdict_cache().of(text, conforms, embeds) != one) return unknown_verdict();
    }
  }
  return one;
}

}  // namespace

void Session::forward(const std::byte* at, std::size_t size) {
  to_server().pass(at, size);
}

void Session::forward(Bytes bytes) {
  to_server().insert(bytes);
}

Session::Step Session::take_message(const std::byte* at, std::size_t size, std::size_t& used) {
  if (size < kHeaderSize) return Step::incomplete;
  const wire::Header header = wire::read_header(at);
  const std::uint32_t longest =
      is_short_message(header.type) ? wire::kMaxSmallMessageLength : wire::kMaxMessageLength;
  if (header.length < 4 || header.length > longest) {
    return malformed(fmt::format("invalid message length {}", header.length));
  }
  const std::size_t total = header.total();
  const std::size_t available = std::min(total, size);
  used = available;
  using namespace wire::frontend;
  if (refusing_ && header.type != kTerminate) return drop(header.type, total, available);
  if (is_following()) return Step::blocked;
  if (routing_ != nullptr && routing_->attempt.is_awaited() && header.type != kTerminate)
    return Step::blocked;
  if (is_crowded(header.type)) return wait_for_answers(StatementNames::kMostOpen / 2);
  const bool ends_batch = header.type == kSync || header.type == kTerminate || header.type == kFlush;
  if (discards_ && !ends_batch) {
    if (const Step step = wait_for_answers(0); step != Step::used) return step;
    note_discards_in_batch();
  }
  if (statements_ != nullptr) begin_calls();
  if (cache_ != nullptr && header.type != kTerminate) begin_reads();
  if (looks_for_shadows(header.type)) return Step::blocked;
  if (reads_ != nullptr && may_ask_cache(header.type)) {
    const Step step = ask_cache(at, size, used);
    if (step != Step::incomplete) return step;
  }
  if (routing_ == nullptr && !in_batch_ && pool_->rules().has_replicas && header.type != kTerminate)
    begin_routing();
  if (routing_ != nullptr) {
    if (looks_for_release(at, size)) return Step::blocked;
    if (may_route(header.type) && route_batch(at, size) == Step::blocked) return Step::blocked;
  }
  switch (header.type) {
    case kQuery:
      return on_query(at, total, available);
    case kParse:
      return on_parse(at, total, available);
    case kBind:
      return on_bind(at, total, available);
    case kDescribe:
    case kClose:
      return on_describe_or_close(at, total, available);
    case kExecute:
      return on_simple(at, total, available, wire::Request::execute);
    case kFlush:
      if (total != kHeaderSize) return malformed("invalid message format");
      if (backend_ != nullptr) forward(at, total);
      return Step::used;
    case kSync:
      return total == kHeaderSize ? on_sync(at) : malformed("invalid message format");
    case kFunctionCall:
      return on_function_call(at, total, available);
    case kCopyData:
    case kCopyDone:
    case kCopyFail:
      return on_copy(at, total, available);
    case kTerminate:
      terminated_ = true;
      send_burst();
      port_.finish(nullptr);
      return Step::failed;
    default:
      return malformed(fmt::format("invalid frontend message type {}", static_cast<int>(header.type)));
  }
}

/// After a refusal everything is ignored up to the end of the batch, as the server does after an error.
Session::Step Session::drop(char type, std::size_t total, std::size_t available) {
  body_left_ = total - available;
  drop_body_ = true;
  if (type == wire::frontend::kQuery || type == wire::frontend::kSync ||
      type == wire::frontend::kFunctionCall) {
    refusing_ = false;
    wire::Writer writer;
    port_.send(writer.begin(wire::server::kReadyForQuery).u8('I').end().bytes());
  }
  return Step::used;
}

/// Bounds what one client can make us remember by sending on and on without waiting for answers. The end of a
/// COPY has more room: answers to what came before may be waiting for it.
bool Session::is_crowded(char type) const {
  if (backend_ == nullptr) return false;
  const std::size_t open = backend_->tracker().outstanding();
  if (open < StatementNames::kMostOpen) return false;
  return is_answered(type) || (open >= 2 * StatementNames::kMostOpen && ends_copy(type));
}

/// Until no more than so many messages are outstanding; `used`: they are not.
Session::Step Session::wait_for_answers(std::size_t most_open) {
  if (backend_ == nullptr || backend_->tracker().outstanding() <= most_open) return Step::used;
  awaits_answers_ = true;
  most_open_ = static_cast<std::uint16_t>(most_open);
  // The server keeps answers back until it is asked for them, by a Sync perhaps that has to wait here.
  if (in_batch_) forward(inserted().begin(wire::frontend::kFlush).end().bytes());
  return Step::blocked;
}

void Session::look_at_answers() {
  if (!awaits_answers_ || backend_ == nullptr || backend_->tracker().outstanding() > most_open_) return;
  awaits_answers_ = false;
  if (blocked_ && !write_pending_) unblock();
}

/// Whether the Syncs that are still to be answered ever will be, no answer tells when none comes. What is
/// answered in any case does.
void Session::look_for_end() {
  if (backend_ == nullptr || asking_ || preparing_ || body_left_ > 0) return;
  if (backend_->tracker().may_be_over()) ask(";", &Session::on_end_known);
}

void Session::on_end_known(const backend::QuestionError* /*error*/, const backend::Rows& /*rows*/) {
  if (routing_ != nullptr) note_answered();
  settle();
  if (blocked_ && !asking_) unblock();
}

Session::Step Session::malformed(std::string message) {
  fail(wire::sqlstate::kProtocolViolation, std::move(message));
  return Step::failed;
}

/// What comes behind something that is still to be answered begins when that has been (on_ready).
void Session::start_clock() {
  if (backend_ == nullptr || backend_->tracker().outstanding() == 0)
    state_since_ = net::Loop::current()->now();
  if (transaction_since_ == TimePoint()) transaction_since_ = state_since_;
}

/// Notes that messages of the extended protocol wait for their Sync.
void Session::start_batch() {
  if (!in_batch_) start_clock();
  in_batch_ = true;
}

/// Sends the part of a message that is here; the rest follows as it comes.
Session::Step Session::stream_through(const std::byte* at, std::size_t total, std::size_t available) {
  forward(at, available);
  body_left_ = total - available;
  drop_body_ = false;
  return Step::used;
}

const sql::Verdict& Session::judge(std::string_view text) {
  // The end of a transaction may change it back.
  if (lexing_in_doubt_ || effects_.has(Effect::changes_lexing)) return judge_in_doubt(text);
  // Without a backend the text has been answered from memory, so it was read alike here and there.
  if (backend_ == nullptr) return verdict_cache().of(text, true);
  return verdict_cache().of(text, backend_->standard_conforming_strings(), backend_->encoding_embeds_ascii());
}

/// Of the text that was judged last.
sql::Fingerprint Session::judged_fingerprint() {
  const sql::Fingerprint* known = verdict_cache().last_fingerprint();
  return known != nullptr ? *known : StatementTable::kUnknown;
}

/// Notes what a statement may do, and does what has to be done before it runs. `request`: its text and
/// values, as far as they are known.
Session::Step Session::note_effects(const sql::Verdict& verdict, const ReadRequest& request) {
  if (pool_->rules().mode == config::PoolMode::statement && verdict.effects.has(Effect::begins_transaction)) {
    fail(wire::sqlstate::kFeatureNotSupported, "transaction blocks are not allowed in statement pooling mode",
         "Use transaction pooling for this database.");
    return Step::failed;
  }
  if (names_ != nullptr && names_->any_undecided() && speaks_of_names(verdict)) return wait_for_outcome();
  if (wants_own_session(verdict) && swap_for_fresh()) return Step::blocked;
  const bool reaches_code = code_->matters() || (effects_ | verdict.effects).has(Effect::changes_schema);
  const Effects effects = reaches_code ? verdict.effects | reach_of(verdict) : verdict.effects;
  if (effects.any_of(kUseSequences)) {
    if (const Step step = before_taking_sequences(); step != Step::used) return step;
  }
  ran_since_probe_ = true;
  ran_anything_ = true;
  effects_ |= effects;
  // It was taken for a read, and is more: it must not be asked twice.
  if (routing_ != nullptr && !effects.empty() && !is_on_replica()) settle_for_primary();
  lexing_in_doubt_ = lexing_in_doubt_ || effects.has(Effect::changes_lexing);
  if (calls_ != nullptr && effects.has(Effect::begins_transaction))
    calls_->repetitions().note_transaction(true);
  tell_cache(verdict, effects, request);
  constexpr Effects kNeedsPreparation = kBarrier | kDoubtful | Effect::reads_sequence_state |
                                        Effect::sets_setting | Effect::reads_session_views;
  const bool takes_sequences_over =
      effects.has(Effect::advances_sequence) && backend_->sequence_owner() != id_;
  if (takes_sequences_over || effects.any_of(kNeedsPreparation)) before_statement(verdict, effects);
  return Step::used;
}

/// Statements whose outcome shows what ran in the server process before, though no state that could be reset:
/// LOAD, a first look at one's own statistics, and a setting of a module that may not be loaded yet.
bool Session::wants_own_session(const sql::Verdict& verdict) const {
  const Effects effects = verdict.effects;
  if (effects.has(Effect::loads_library)) return true;
  if (effects.has(Effect::reads_identity) && effects.has(Effect::writes)) return !ran_anything_;
  return effects.has(Effect::sets_setting) &&
         std::ranges::any_of(verdict.settings, is_unheard_of_module_setting);
}

/// True when another backend is on its way, and the message has to wait for it.
bool Session::swap_for_fresh() {
  if (!held_because_.empty() && may_probe()) {
    probe();  // what holds the client here may be gone; then this is asked again
    return true;
  }
  const bool can_leave = !in_batch_ && held_because_.empty() && backend_->is_settled() &&
                         to_server().empty() && backend_->tracker().transaction_status() == 'I' &&
                         pool_->rules().mode != config::PoolMode::session;
  const bool first_in_session_mode = pool_->rules().mode == config::PoolMode::session && !ran_anything_ &&
                                     backend_->is_settled() && to_server().empty();
  if (backend_->is_fresh_for(id_) || !(can_leave || first_in_session_mode)) return false;
  backend::Backend& used = *backend_;
  backend_ = nullptr;
  pool_->move_out(*this);
  wants_fresh_ = true;
  begin_waiting();
  // Asked for first: the one that comes back must not be lent to us again.
  pool_->give_back(used);
  pool_->checkout(*this);
  return backend_ == nullptr || preparing_;
}

/// `effects`: the verdict's, and what the statement can reach.
void Session::before_statement(const sql::Verdict& verdict, Effects effects) {
  if (effects.any_of(kBarrier)) barrier_ = true;
  // In a failed transaction the server refuses everything, our DISCARD too.
  const bool refused = backend_->tracker().transaction_status() == 'E';
  if (!refused && effects.any_of(kUseSequences)) take_sequences();
  const auto names = [&verdict](std::string_view relation) {
    return std::ranges::find(verdict.relations, relation) != verdict.relations.end();
  };
  // UPDATE pg_settings is a SET by other means.
  if (effects.has(Effect::writes) && names("pg_settings")) effects_ |= Effect::runs_code;
  if (verdict.effects.has(Effect::sets_setting)) {
    any_setting_ = any_setting_ || verdict.settings.empty();
    if (touched_settings_ == nullptr) touched_settings_ = std::make_unique<std::vector<std::string>>();
    for (const std::string& name : verdict.settings) {
      if (std::ranges::find(*touched_settings_, name) == touched_settings_->end())
        touched_settings_->push_back(name);
    }
  }
  if (speaks_of_names(verdict)) give_names_to_sql(verdict);
  if (effects.has(Effect::changes_databases)) {
    for (const std::string& name : verdict.databases) {
      pool_->clear_idle_of_database(name);
      if (reads_ != nullptr) reads_->let_go_of_database(name);
    }
  }
}

/// What currval and lastval remember here belongs to another client.
bool Session::has_foreign_sequences() const {
  return backend_->sequence_owner() != backend::ClientId::nobody && backend_->sequence_owner() != id_;
}

/// Whether the transaction has failed must be known, and whether another statement has taken them over.
Session::Step Session::before_taking_sequences() {
  if (!has_foreign_sequences()) return Step::used;
  const bool is_in_doubt = !in_batch_ || takes_sequences_;
  if (const Step step = is_in_doubt ? wait_for_answers(0) : Step::used; step != Step::used) return step;
  takes_sequences_ = false;
  return Step::used;
}

/// They are the client's from now on; what another one left is forgotten first.
void Session::take_sequences() {
  if (!has_foreign_sequences()) return backend_->set_sequence_owner(id_);
  if (!in_batch_) {
    forward(inserted().query("DISCARD SEQUENCES").bytes());
    backend_->set_sequence_owner(id_);
    return backend_->expect({.request = wire::Request::query, .silent = true});
  }
  takes_sequences_ = true;  // on_done() tells that they are
  run_in_batch("DISCARD SEQUENCES", 1);
}

/// A statement of ours without rows, unseen by the client, among what it sends before its Sync: a Query would
/// end the implicit transaction of the batch. With a `tag`, on_done() tells that it has run.
void Session::run_in_batch(std::string_view sql, std::uint64_t tag) {
  const std::string name = backend_name_prefix() + "ours";
  wire::Writer& writer = inserted();
  writer.close_statement(name);  // left when the rest was skipped the last time
  writer.parse(name, sql, {});
  writer.begin('B').cstring(name).cstring(name).u16(0).u16(0).u16(0).end();
  writer.begin('E').cstring(name).u32(0).end();
  writer.begin('C').u8('P').cstring(name).end();
  writer.close_statement(name);
  forward(writer.bytes());
  for (const wire::Request request : {wire::Request::close, wire::Request::parse, wire::Request::bind,
                                      wire::Request::execute, wire::Request::close, wire::Request::close}) {
    backend_->expect(
        {.request = request, .silent = true, .tag = request == wire::Request::execute ? tag : 0});
  }
}

Session::Step Session::on_query(const std::byte* at, std::size_t total, std::size_t available) {
  if (available < total && total <= kMaxJudged) return Step::incomplete;
  const bool whole = available == total;
  if (whole && (total == kHeaderSize || at[total - 1] != std::byte{0})) {
    return malformed("invalid string in message");
  }
  ReadRequest request{.simple = true, .text = {}, .types = {}, .values = {}};
  if (whole) request.text = as_text({at + kHeaderSize, total - kHeaderSize - 1});
  if (explain(request)) return Step::used;
  if (const Step step = need_backend(); step != Step::used) return step;
  const sql::Verdict& verdict = whole ? judge(request.text) : unknown_verdict();
  if (const Step step = note_effects(verdict, request); step != Step::used) return step;
  // A Query drops the unnamed statement.
  const bool had_unnamed = names_ != nullptr && names_->may_exist("");
  const ChangeNumber change = had_unnamed ? names_->set("", nullptr) : 0;
  // Inside a batch it may be skipped.
  backend_->set_unnamed_statement(in_batch_ ? backend::Backend::kUnknownStatement : 0);
  start_clock();
  discards_ = in_batch_ && effects_.has(Effect::deallocates_all);
  const std::uint32_t call = count_query(request.text, verdict);
  backend_->expect(
      {.request = wire::Request::query, .shows_rows = shows_rows(), .call = call, .tag = change});
  return stream_through(at, total, available);
}

Session::Step Session::on_simple(const std::byte* at, std::size_t total, std::size_t available,
                                 wire::Request request) {
  if (available < total) return Step::incomplete;
  if (const Step step = need_backend(); step != Step::used) return step;
  start_batch();
  backend_->expect({.request = request, .shows_rows = shows_rows(), .call = count_execute({at, total})});
  forward(at, total);
  discards_ = discards_ || (request == wire::Request::execute && effects_.has(Effect::deallocates_all));
  return Step::used;
}

Session::Step Session::on_sync(const std::byte* at) {
  if (const Step step = need_backend(); step != Step::used) return step;
  if (!in_batch_) start_clock();
  in_batch_ = discards_ = false;
  if (names_ != nullptr) names_->end_batch();
  if (reads_ != nullptr) reads_->end_batch();
  backend_->expect({.request = wire::Request::sync});
  forward(at, kHeaderSize);
  return Step::used;
}

Session::Step Session::on_function_call(const std::byte* at, std::size_t total, std::size_t available) {
  if (available < kHeaderSize + 4 && available < total) return Step::incomplete;
  if (const Step step = need_backend(); step != Step::used) return step;
  const std::uint32_t function = available >= kHeaderSize + 4 ? load_u32(at + kHeaderSize) : 0;
  const bool harmless = std::ranges::find(kLargeObjectFunctions, function) != std::end(kLargeObjectFunctions);
  if (!harmless) {
    if (const Step step = before_taking_sequences(); step != Step::used) return step;
  }
  effects_ |= harmless ? Effects(Effect::writes) : kDoubtful;
  if (!harmless) {
    tell_cache_of_unknown();
    if (backend_->tracker().transaction_status() != 'E') take_sequences();
  }
  ran_since_probe_ = true;
  start_clock();
  backend_->expect({.request = wire::Request::function_call});
  return stream_through(at, total, available);
}

Session::Step Session::on_copy(const std::byte* at, std::size_t total, std::size_t available) {
  const char type = static_cast<char>(*at);
  const bool data = type == wire::frontend::kCopyData;
  // Clients go on sending for a while after a COPY has failed; PostgreSQL ignores that, and so do we.
  if (backend_ == nullptr || preparing_ || asking_ || backend_->tracker().outstanding() == 0) {
    body_left_ = total - available;
    drop_body_ = true;
    return Step::used;
  }
  if (!data) {
    if (available < total) return Step::incomplete;
    backend_->expect({.request = wire::Request::copy_end});
  }
  return stream_through(at, total, available);
}

void Session::on_notification(std::byte* process_id) {
  // The client compares with the process id that it was given, to know its own notifications.
  if (load_u32(process_id) == backend_->cancel_key().process_id)
    store_u32(process_id, port_.cancel_key().process_id);
}

}  // namespace forebay::engine
