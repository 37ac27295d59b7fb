// What each message of a client needs before it may go to the server.

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "backend/pool_directory.hpp"
#include "engine/burst.hpp"
#include "engine/custom_settings.hpp"
#include "engine/effect_sets.hpp"
#include "engine/session.hpp"
#include "sql/verdict_cache.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

using wire::kHeaderSize;

/// Statements up to this size are read whole, judged and, when prepared, remembered. Longer ones flow through
/// and count as unknown: the client keeps its backend until a look at the session shows that nothing is left.
constexpr std::size_t kMaxJudged = 32 * 1024;

/// Large-object functions are what clients call by FunctionCall; they leave nothing in the session. OIDs as
/// in catalog/pg_proc.dat: lo_open, lo_close, loread, lowrite, lo_lseek, lo_creat, lo_tell, lo_unlink,
/// lo_create, lo_truncate and the 64-bit ones.
constexpr std::uint32_t kLargeObjectFunctions[] = {952, 953, 954,  955,  956,  957, 958,
                                                   964, 715, 1004, 3170, 3171, 3172};

/// Bounds what one client can make us remember.
constexpr std::size_t kMaxPreparedPerClient = 10'000;

/// Marks the tag of a Parse that is bound to fail because its name is taken: nothing is to be undone.
constexpr std::uint64_t kDuplicateName = std::uint64_t{1} << 63;

std::string_view body_of(const std::byte* at, std::size_t total) {
  return as_text({at + kHeaderSize, total - kHeaderSize});
}

bool take_cstring(std::string_view& rest, std::string_view& value) {
  const auto end = rest.find('\0');
  if (end == std::string_view::npos) return false;
  value = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

bool is_short_message(char type) {
  using namespace wire::frontend;
  return type == kSync || type == kFlush || type == kTerminate || type == kExecute || type == kClose ||
         type == kDescribe || type == kCopyDone || type == kCopyFail;
}

sql::VerdictCache& verdict_cache() {
  thread_local sql::VerdictCache cache;
  return cache;
}

/// What is known of a text that is too long to be judged.
const sql::Verdict& unknown_verdict() {
  static const sql::Verdict verdict = [] {
    sql::Verdict unknown;
    unknown.effects = Effect::unparsable | Effect::writes | Effect::runs_code;
    unknown.statements = 1;
    return unknown;
  }();
  return verdict;
}

}  // namespace

void Session::forward(const std::byte* at, std::size_t size) {
  to_server().pass(at, size);
}

void Session::forward(Bytes bytes) {
  to_server().insert(bytes);
}

PreparedStatements& Session::prepared() {
  if (prepared_ == nullptr) prepared_ = std::make_unique<PreparedStatements>();
  return *prepared_;
}

Session::Step Session::take_message(const std::byte* at, std::size_t size, std::size_t& used) {
  if (size < kHeaderSize) return Step::incomplete;
  const wire::Header header = wire::read_header(at);
  const std::uint32_t longest =
      is_short_message(header.type) ? wire::kMaxSmallMessageLength : wire::kMaxMessageLength;
  if (header.length < 4 || header.length > longest) {
    fail(wire::sqlstate::kProtocolViolation, fmt::format("invalid message length {}", header.length));
    return Step::failed;
  }
  const std::size_t total = header.total();
  const std::size_t available = std::min(total, size);
  used = available;
  using namespace wire::frontend;
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
      if (backend_ != nullptr && available == total) forward(at, total);
      return available == total ? Step::used : Step::incomplete;
    case kSync:
      return available == total ? on_sync(at) : Step::incomplete;
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
      fail(wire::sqlstate::kProtocolViolation,
           fmt::format("invalid frontend message type {}", static_cast<int>(header.type)));
      return Step::failed;
  }
}

void Session::start_clock() {
  busy_since_ = net::Loop::current()->now();
  if (transaction_since_ == TimePoint()) transaction_since_ = busy_since_;
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
  return verdict_cache().of(text, backend_->standard_conforming_strings(), backend_->encoding_embeds_ascii());
}

/// Notes what a statement may do, and does what has to be done before it runs.
Session::Step Session::note_effects(const sql::Verdict& verdict) {
  if (pool_->rules().mode == config::PoolMode::statement && verdict.effects.has(Effect::begins_transaction)) {
    fail(wire::sqlstate::kFeatureNotSupported, "transaction blocks are not allowed in statement pooling mode",
         "Use transaction pooling for this database.");
    return Step::failed;
  }
  if (wants_own_session(verdict) && swap_for_fresh()) return Step::blocked;
  ran_since_probe_ = true;
  ran_anything_ = true;
  effects_ |= verdict.effects;
  constexpr Effects kNeedsPreparation = kBarrier | kDoubtful | Effect::reads_sequence_state |
                                        Effect::sets_setting | Effect::reads_session_views;
  const bool takes_sequences_over =
      verdict.effects.has(Effect::advances_sequence) && backend_->sequence_owner() != id_;
  if (takes_sequences_over || verdict.effects.any_of(kNeedsPreparation)) before_statement(verdict);
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
  waiting_ = true;
  // Asked for first: the one that comes back must not be lent to us again.
  pool_->give_back(used);
  pool_->checkout(*this);
  return backend_ == nullptr || preparing_;
}

void Session::before_statement(const sql::Verdict& verdict) {
  const Effects effects = verdict.effects;
  if (effects.any_of(kBarrier)) barrier_ = true;
  if (effects.any_of(Effect::reads_sequence_state | Effect::advances_sequence | kDoubtful)) {
    forget_foreign_sequences();
    backend_->set_sequence_owner(id_);
  }
  const auto names = [&verdict](std::string_view relation) {
    return std::ranges::find(verdict.relations, relation) != verdict.relations.end();
  };
  // UPDATE pg_settings is a SET by other means.
  if (effects.has(Effect::writes) && names("pg_settings")) effects_ |= Effect::runs_code;
  if (effects.has(Effect::sets_setting)) {
    any_setting_ = any_setting_ || verdict.settings.empty();
    if (touched_settings_ == nullptr) touched_settings_ = std::make_unique<std::vector<std::string>>();
    for (const std::string& name : verdict.settings) {
      if (std::ranges::find(*touched_settings_, name) == touched_settings_->end())
        touched_settings_->push_back(name);
    }
  }
  const bool looks_at_all = names("pg_prepared_statements");
  if (looks_at_all) close_prepared_here();
  if (prepared_ != nullptr) {
    for (const std::string& name : verdict.prepared_names) {
      if (const auto* statement = prepared_->find(name)) make_native(name, PreparedStatementPtr(*statement));
    }
    if (looks_at_all) {
      std::vector<std::pair<std::string, PreparedStatementPtr>> all;
      prepared_->each([&](const std::string& name, const PreparedStatementPtr& statement) {
        all.emplace_back(name, statement);
      });
      for (const auto& [name, statement] : all) make_native(name, statement);
    }
  }
  if (effects.has(Effect::changes_databases)) {
    for (const std::string& name : verdict.databases) pool_->clear_idle_of_database(name);
  }
}

/// Gives a statement that was prepared through the protocol its own name on the backend, because SQL is about
/// to use that name. From then on the server answers for it, and the client keeps the backend.
void Session::make_native(std::string_view name, const PreparedStatementPtr& statement) {
  forward(inserted().parse(name, statement->text, as_bytes(statement->parameter_types)).bytes());
  backend_->expect({.request = wire::Request::parse, .silent = true});
  prepared_->erase(name);
  effects_ |= Effect::prepares;
}

/// What currval and lastval remember here belongs to another client.
void Session::forget_foreign_sequences() {
  if (backend_->sequence_owner() == backend::ClientId::nobody || backend_->sequence_owner() == id_) return;
  backend_->set_sequence_owner(backend::ClientId::nobody);
  if (!in_batch_) {
    forward(inserted().query("DISCARD SEQUENCES").bytes());
    return backend_->expect({.request = wire::Request::query, .silent = true});
  }
  // A Query would end the implicit transaction of the batch.
  constexpr std::string_view kName = "_fb_discard";
  wire::Writer& writer = inserted();
  writer.parse(kName, "DISCARD SEQUENCES", {});
  writer.begin('B').cstring(kName).cstring(kName).u16(0).u16(0).u16(0).end();
  writer.begin('E').cstring(kName).u32(0).end();
  writer.begin('C').u8('P').cstring(kName).end();
  writer.close_statement(kName);
  forward(writer.bytes());
  for (const wire::Request request : {wire::Request::parse, wire::Request::bind, wire::Request::execute,
                                      wire::Request::close, wire::Request::close}) {
    backend_->expect({.request = request, .silent = true});
  }
}

Session::Step Session::on_query(const std::byte* at, std::size_t total, std::size_t available) {
  if (available < total && total <= kMaxJudged) return Step::incomplete;
  if (const Step step = need_backend(); step != Step::used) return step;
  const bool whole = available == total;
  if (whole && (total == kHeaderSize || at[total - 1] != std::byte{0})) {
    fail(wire::sqlstate::kProtocolViolation, "invalid string in message");
    return Step::failed;
  }
  const sql::Verdict& verdict =
      whole ? judge(as_text({at + kHeaderSize, total - kHeaderSize - 1})) : unknown_verdict();
  if (const Step step = note_effects(verdict); step != Step::used) return step;
  if (prepared_ != nullptr) prepared_->set_unnamed(nullptr);
  backend_->set_unnamed_statement(0);
  start_clock();
  backend_->expect({.request = wire::Request::query});
  return stream_through(at, total, available);
}

Session::Step Session::on_parse(const std::byte* at, std::size_t total, std::size_t available) {
  if (available < total && total <= kMaxJudged) return Step::incomplete;
  if (const Step step = need_backend(); step != Step::used) return step;
  start_batch();
  std::string_view rest = as_text({at + kHeaderSize, available - kHeaderSize});
  std::string_view name;
  std::string_view text;
  if (!take_cstring(rest, name)) {
    fail(wire::sqlstate::kProtocolViolation, "invalid string in message");
    return Step::failed;
  }
  if (available < total) {
    // Too long to be remembered: it gets the client's own name, and the client keeps the backend.
    if (const Step step = note_effects(unknown_verdict()); step != Step::used) return step;
    effects_ |= Effect::prepares;
    if (name.empty()) {
      prepared().set_unnamed(nullptr);
      backend_->set_unnamed_statement(0);
    }
    backend_->expect({.request = wire::Request::parse});
    return stream_through(at, total, available);
  }
  if (!take_cstring(rest, text) || rest.size() < 2 ||
      rest.size() != 2 + std::size_t{4} * load_u16(reinterpret_cast<const std::byte*>(rest.data()))) {
    fail(wire::sqlstate::kProtocolViolation, "invalid message format");
    return Step::failed;
  }
  const Bytes types = as_bytes(rest.substr(2));
  const sql::Verdict& verdict = judge(text);
  PreparedStatements& mine = prepared();
  if (name.empty()) {
    const auto& known = mine.unnamed();
    if (known == nullptr || known->text != text || known->parameter_types != as_text(types)) {
      mine.set_unnamed(private_statement(text, types, verdict.effects));
    }
    const std::uint64_t id = mine.unnamed()->id;
    backend_->set_unnamed_statement(id);
    backend_->expect({.request = wire::Request::parse, .tag = id});
    forward(at, total);
    return Step::used;
  }
  if (const auto* taken = mine.find(name)) {
    // The server says so better than we could: a Parse of the name that the statement has there.
    ensure_prepared(**taken);
    backend_->expect({.request = wire::Request::parse, .tag = (*taken)->id | kDuplicateName});
    forward(inserted().parse((*taken)->backend_name(), text, types).bytes());
    return Step::used;
  }
  if (mine.size() >= kMaxPreparedPerClient) {
    fail(wire::sqlstate::kConfigurationLimit,
         fmt::format("more than {} prepared statements in one session", kMaxPreparedPerClient),
         "Close statements that are no longer needed.");
    return Step::failed;
  }
  const bool shared = held_because_.empty() && verdict.effects.only(kLeaveNothing);
  const std::string* search_path = backend::find_setting(settings_, "search_path");
  const PreparedScope scope{pool_.get(), profile_.get(), schema_epoch(),
                            search_path == nullptr ? std::string_view() : std::string_view(*search_path)};
  PreparedStatementPtr statement = shared ? intern_statement(text, types, verdict.effects, scope)
                                          : private_statement(text, types, verdict.effects);
  mine.add(name, statement);
  backend::PoolCounters::add(pool_->counters().client_parses, 1);
  const bool known_there = backend_->prepared().contains(statement->id);
  if (!known_there) {
    evict_prepared();
    backend_->prepared()[statement->id] = backend_->next_use();
    backend::PoolCounters::add(pool_->counters().server_parses, 1);
    forward(inserted().parse(statement->backend_name(), text, types).bytes());
  }
  backend_->expect({.request = wire::Request::parse, .answered_here = known_there, .tag = statement->id});
  return Step::used;
}

/// Prepares a statement of the client's on this backend, unseen by the client.
void Session::ensure_prepared(const PreparedStatement& statement) {
  auto& there = backend_->prepared();
  const std::uint64_t use = backend_->next_use();
  if (const auto at = there.find(statement.id); at != there.end()) {
    at->second = use;
    return;
  }
  evict_prepared();
  there[statement.id] = use;
  backend::PoolCounters::add(pool_->counters().server_parses, 1);
  backend_->expect({.request = wire::Request::parse, .silent = true, .tag = statement.id});
  forward(inserted()
              .parse(statement.backend_name(), statement.text, as_bytes(statement.parameter_types))
              .bytes());
}

/// Closes the statement that was not used for longest when the backend has too many.
void Session::evict_prepared() {
  auto& there = backend_->prepared();
  if (there.size() < pool_->rules().max_prepared_statements) return;
  const auto oldest = std::ranges::min_element(there, {}, [](const auto& entry) { return entry.second; });
  forward(inserted().close_statement(fmt::format("{}{:x}", kBackendNamePrefix, oldest->first)).bytes());
  backend_->expect({.request = wire::Request::close, .silent = true});
  there.erase(oldest);
}

/// Before a client looks at the list of prepared statements: what we prepared here is not the client's to
/// see.
void Session::close_prepared_here() {
  for (const auto& [id, use] : backend_->prepared()) {
    forward(inserted().close_statement(fmt::format("{}{:x}", kBackendNamePrefix, id)).bytes());
    backend_->expect({.request = wire::Request::close, .silent = true});
  }
  backend_->prepared().clear();
}

/// Makes the unnamed statement on the backend the client's own.
void Session::ensure_unnamed() {
  const PreparedStatementPtr none;
  const PreparedStatementPtr& mine = prepared_ == nullptr ? none : prepared_->unnamed();
  const std::uint64_t wanted = mine == nullptr ? 0 : mine->id;
  if (backend_->unnamed_statement() == wanted) return;
  if (mine == nullptr) {
    forward(inserted().close_statement("").bytes());
    backend_->expect({.request = wire::Request::close, .silent = true});
  } else {
    forward(inserted().parse("", mine->text, as_bytes(mine->parameter_types)).bytes());
    backend_->expect({.request = wire::Request::parse, .silent = true, .tag = wanted});
  }
  backend_->set_unnamed_statement(wanted);
}

Session::Step Session::on_bind(const std::byte* at, std::size_t total, std::size_t available) {
  std::string_view rest = as_text({at + kHeaderSize, available - kHeaderSize});
  std::string_view portal;
  std::string_view name;
  if (!take_cstring(rest, portal) || !take_cstring(rest, name)) {
    if (available < total && available <= kMaxJudged) return Step::incomplete;
    fail(wire::sqlstate::kProtocolViolation, "invalid string in message");
    return Step::failed;
  }
  if (const Step step = need_backend(); step != Step::used) return step;
  in_batch_ = true;
  start_clock();
  if (name.empty()) {
    ensure_unnamed();
    if (prepared_ != nullptr && prepared_->unnamed() != nullptr) {
      if (const Step step = note_statement(*prepared_->unnamed()); step != Step::used) return step;
    } else {
      effects_ |= kDoubtful;
      ran_since_probe_ = true;
    }
    backend_->expect({.request = wire::Request::bind});
    return stream_through(at, total, available);
  }
  const PreparedStatementPtr* statement = prepared_ == nullptr ? nullptr : prepared_->find(name);
  if (statement == nullptr) {
    // Prepared by SQL, too long to be remembered, or not there at all: the server knows.
    effects_ |= kDoubtful;
    ran_since_probe_ = true;
    backend_->expect({.request = wire::Request::bind});
    return stream_through(at, total, available);
  }
  ensure_prepared(**statement);
  if (const Step step = note_statement(**statement); step != Step::used) return step;
  backend::PoolCounters::add(pool_->counters().binds, 1);
  const std::string there = (*statement)->backend_name();
  std::array<std::byte, kHeaderSize> header;
  header[0] = std::byte{'B'};
  store_u32(header.data() + 1, static_cast<std::uint32_t>(total - 1 - name.size() + there.size()));
  forward(header);
  forward(at + kHeaderSize, portal.size() + 1);
  forward(as_bytes(there));
  const std::size_t head = kHeaderSize + portal.size() + 1 + name.size();
  backend_->expect({.request = wire::Request::bind, .tag = (*statement)->id});
  return stream_through(at + head, total - head, available - head);
}

/// The effects of a statement count when it is bound. What needs more than the effects is read from the text
/// again.
Session::Step Session::note_statement(const PreparedStatement& statement) {
  if (statement.effects.only(kLeaveNothing) &&
      !statement.effects.any_of(Effect::reads_sequence_state | Effect::advances_sequence |
                                Effect::reads_session_views | Effect::changes_databases |
                                Effect::begins_transaction)) {
    ran_since_probe_ = true;
    effects_ |= statement.effects;
    return Step::used;
  }
  return note_effects(judge(statement.text));
}

Session::Step Session::on_describe_or_close(const std::byte* at, std::size_t total, std::size_t available) {
  if (available < total) return Step::incomplete;
  std::string_view rest = body_of(at, total);
  std::string_view name;
  const char what = rest.empty() ? '\0' : rest.front();
  if (!rest.empty()) rest.remove_prefix(1);
  if ((what != 'S' && what != 'P') || !take_cstring(rest, name) || !rest.empty()) {
    fail(wire::sqlstate::kProtocolViolation, "invalid message format");
    return Step::failed;
  }
  if (const Step step = need_backend(); step != Step::used) return step;
  start_batch();
  const bool close = static_cast<char>(*at) == wire::frontend::kClose;
  const wire::Request request = close         ? wire::Request::close
                                : what == 'S' ? wire::Request::describe_statement
                                              : wire::Request::describe_portal;
  if (what == 'S' && name.empty()) {
    ensure_unnamed();
    if (close) {
      if (prepared_ != nullptr) prepared_->set_unnamed(nullptr);
      backend_->set_unnamed_statement(0);
    }
  }
  const PreparedStatementPtr* statement =
      what == 'S' && !name.empty() && prepared_ != nullptr ? prepared_->find(name) : nullptr;
  if (statement == nullptr) {
    if (close && what == 'S' && !name.empty()) effects_ |= kDoubtful;
    backend_->expect({.request = request});
    forward(at, total);
    return Step::used;
  }
  if (close) {
    // Other clients may use the statement on this backend; it stays there until it is evicted.
    const std::uint64_t id = (*statement)->id;
    prepared_->close(name);
    backend_->expect({.request = request, .answered_here = true, .tag = id});
    return Step::used;
  }
  ensure_prepared(**statement);
  backend_->expect({.request = request, .tag = (*statement)->id});
  forward(inserted().begin('D').u8('S').cstring((*statement)->backend_name()).end().bytes());
  return Step::used;
}

Session::Step Session::on_simple(const std::byte* at, std::size_t total, std::size_t available,
                                 wire::Request request) {
  if (available < total) return Step::incomplete;
  if (const Step step = need_backend(); step != Step::used) return step;
  start_batch();
  backend_->expect({.request = request});
  forward(at, total);
  return Step::used;
}

Session::Step Session::on_sync(const std::byte* at) {
  if (const Step step = need_backend(); step != Step::used) return step;
  if (!in_batch_) start_clock();
  in_batch_ = false;
  backend_->expect({.request = wire::Request::sync});
  forward(at, kHeaderSize);
  return Step::used;
}

Session::Step Session::on_function_call(const std::byte* at, std::size_t total, std::size_t available) {
  if (available < kHeaderSize + 4 && available < total) return Step::incomplete;
  if (const Step step = need_backend(); step != Step::used) return step;
  const std::uint32_t function = available >= kHeaderSize + 4 ? load_u32(at + kHeaderSize) : 0;
  const bool harmless = std::ranges::find(kLargeObjectFunctions, function) != std::end(kLargeObjectFunctions);
  effects_ |= harmless ? Effects(Effect::writes) : kDoubtful;
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

// --- answers that concern statements
// ------------------------------------------------------------------------------

void Session::on_parse_complete(const wire::Expectation& parse) {
  if (!parse.silent && prepared_ != nullptr) prepared_->confirm(parse.tag);
}

void Session::on_skipped(const wire::Expectation& parse) {
  if (parse.request == wire::Request::close) return prepared_->reopen(parse.tag);
  if ((parse.tag & kDuplicateName) != 0) return;
  if (backend_->unnamed_statement() == parse.tag) {
    backend_->set_unnamed_statement(0);
    if (prepared_ != nullptr && prepared_->unnamed() != nullptr && prepared_->unnamed()->id == parse.tag) {
      prepared_->set_unnamed(nullptr);
    }
    return;
  }
  if (!parse.answered_here) backend_->prepared().erase(parse.tag);
  if (!parse.silent && prepared_ != nullptr) prepared_->undo(parse.tag);
}

/// The server's words name statements as it knows them; the client must read its own name.
std::string_view Session::on_error(const wire::Expectation* cause, std::string_view body) {
  error_seen_ = true;
  if (cause == nullptr || cause->tag == 0 || prepared_ == nullptr) return body;
  const std::uint64_t id = cause->tag & ~kDuplicateName;
  const std::string there = fmt::format("\"{}{:x}\"", kBackendNamePrefix, id);
  if (body.find(there) == std::string_view::npos) return body;
  thread_local std::string replaced;
  replaced = wire::replace_in_error(body, there, fmt::format("\"{}\"", prepared_->name_of(id)));
  return replaced;
}

void Session::on_notification(std::byte* process_id) {
  // The client compares with the process id that it was given, to know its own notifications.
  if (load_u32(process_id) == backend_->cancel_key().process_id)
    store_u32(process_id, port_.cancel_key().process_id);
}

}  // namespace forebay::engine
