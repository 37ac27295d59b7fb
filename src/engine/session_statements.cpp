// Prepared statements: the client's names on one side, ours on whichever backend serves, and what is known of
// either while answers are outstanding (see StatementNames).

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "engine/burst.hpp"
#include "engine/code_watch.hpp"
#include "engine/custom_settings.hpp"
#include "engine/effect_sets.hpp"
#include "engine/message_parts.hpp"
#include "engine/read_request.hpp"
#include "engine/reading.hpp"
#include "engine/session.hpp"
#include "engine/session_reads.hpp"
#include "engine/session_routing.hpp"
#include "sql/read_shape.hpp"
#include "sql/set_config_parameters.hpp"

namespace forebay::engine {

namespace {

using wire::kHeaderSize;

/// Bounds what one client can make us remember.
constexpr std::size_t kMaxPreparedPerClient = 10'000;
/// Of their texts, which are kept until the client closes them.
constexpr std::size_t kMaxPreparedBytes = std::size_t{64} << 20U;

/// Marks the tag of a Parse that is bound to fail because its name is taken: nothing changes, nothing is to
/// be undone.
constexpr std::uint64_t kDuplicateName = std::uint64_t{1} << 63;

/// In the place of its last use: a statement that others share was prepared here while names meant something
/// else, by SET LOCAL search_path for example, or it is not certain that it is here at all. Whoever needs it
/// next prepares it anew.
constexpr std::uint64_t kPreparedAskew = 0;

/// Marks the tag of a Parse of a statement of which a Close was sent just before, see kPreparedAskew.
constexpr std::uint64_t kReplaces = std::uint64_t{1} << 62;
constexpr std::uint64_t kTagMarks = kDuplicateName | kReplaces;

bool is_ours(const wire::Expectation& expectation) {
  return expectation.silent;
}

/// Whether a look at the session will show the setting whose name is bound to this parameter.
bool is_bound_setting_seen(const ReadRequest& request, int number) {
  constexpr std::uint32_t kText = 25;
  constexpr std::uint32_t kVarchar = 1043;
  const auto value = bound_value(request, number);
  if (!value) return true;  // NULL sets nothing
  if (value->type != 0 && value->type != kText && value->type != kVarchar) return false;
  if (value->bytes.find('.') == std::string_view::npos) return true;
  if (!is_custom_name(value->bytes)) return false;
  note_custom_setting(std::string(value->bytes));
  return true;
}

}  // namespace

StatementNames& Session::names() {
  if (names_ == nullptr) names_ = std::make_unique<StatementNames>();
  return *names_;
}

/// One that is shared with nobody.
PreparedStatementPtr Session::make_private(std::string_view text, Bytes types) {
  const sql::Effects effects = judge(text).effects;
  return private_statement(text, types, effects, judged_fingerprint(), settings_of_parse(),
                           are_settings_known());
}

/// Nothing where the transaction at hand may have changed some. What code has done before, on a backend that
/// is held for it, is found when that is released: see SessionReads::doubt_prepared().
std::optional<std::string> Session::settings_of_parse() const {
  return are_settings_untouched() ? std::optional(parsing_settings(settings_)) : std::nullopt;
}

const PreparedStatementPtr* Session::find_statement(std::string_view name) const {
  return names_ == nullptr ? nullptr : names_->find(name);
}

/// What the name stands for, or whether the backend has that statement, depends on the outcome of an earlier
/// batch.
bool Session::is_undecided(std::string_view name) const {
  if (names_ == nullptr) return false;
  if (names_->is_undecided(name)) return true;
  const auto* statement = names_->find(name);
  return statement != nullptr && names_->is_on_its_way((*statement)->id);
}

Session::Step Session::wait_for_outcome() {
  awaits_outcome_ = true;
  return Step::blocked;
}

void Session::outcome_is_known() {
  if (!awaits_outcome_) return;
  awaits_outcome_ = false;
  if (blocked_) unblock();
}

// --- Parse
// ---------------------------------------------------------------------------------------------

Session::Step Session::on_parse(const std::byte* at, std::size_t total, std::size_t available) {
  if (available < total && total <= kMaxJudged) return Step::incomplete;
  if (const Step step = need_backend(); step != Step::used) return step;
  std::string_view rest = as_text({at + kHeaderSize, available - kHeaderSize});
  std::string_view name;
  std::string_view text;
  if (!take_cstring(rest, name)) {
    if (available < total && available <= kMaxJudged) return Step::incomplete;
    return malformed("invalid string in message");
  }
  if (available < total) return pass_long_parse(name, at, total, available);
  if (!take_cstring(rest, text) || rest.size() < 2 ||
      rest.size() != 2 + std::size_t{4} * load_u16(reinterpret_cast<const std::byte*>(rest.data()))) {
    return malformed("invalid message format");
  }
  const Bytes types = as_bytes(rest.substr(2));
  if (!name.empty()) return prepare(name, text, types);
  start_batch();
  const auto* known = names().find("");
  const bool same = known != nullptr && (*known)->text == text &&
                    (*known)->parameter_types == as_text(types) && (*known)->settings == settings_of_parse();
  const PreparedStatementPtr statement = same ? *known : make_private(text, types);
  backend_->set_unnamed_statement(statement->id);
  const std::uint32_t call = count_preparation(*statement);
  backend_->expect({.request = wire::Request::parse, .call = call, .tag = names().set("", statement)});
  forward(at, total);
  return Step::used;
}

/// Too long to be remembered: it gets the client's own name, and the client keeps the backend.
Session::Step Session::pass_long_parse(std::string_view name, const std::byte* at, std::size_t total,
                                       std::size_t available) {
  start_batch();
  if (const Step step = note_effects(unknown_verdict(), {}); step != Step::used) return step;
  effects_ |= Effect::prepares;
  ChangeNumber change = 0;
  if (name.empty()) {
    change = names().set("", nullptr);
    backend_->set_unnamed_statement(0);
  }
  backend_->expect({.request = wire::Request::parse, .tag = change});
  return stream_through(at, total, available);
}

/// A Parse with a name: the client's name for a statement that clients share, under a name of ours, on each
/// backend.
Session::Step Session::prepare(std::string_view name, std::string_view text, Bytes types) {
  StatementNames& mine = names();
  if (is_undecided(name)) return wait_for_outcome();
  if (const auto* taken = mine.find(name)) {
    // The server says so better than we could: a Parse of the name that the statement has there.
    start_batch();
    ensure_prepared(**taken, are_settings_known());
    backend_->expect({.request = wire::Request::parse, .tag = mine.maker(name) | kDuplicateName});
    forward(inserted().parse((*taken)->backend_name, text, types).bytes());
    return Step::used;
  }
  if (mine.size() >= kMaxPreparedPerClient) {
    fail(wire::sqlstate::kConfigurationLimit,
         fmt::format("more than {} prepared statements in one session", kMaxPreparedPerClient),
         "Close statements that are no longer needed.");
    return Step::failed;
  }
  if (mine.text_bytes() + text.size() > kMaxPreparedBytes) {
    fail(wire::sqlstate::kConfigurationLimit,
         fmt::format("the texts of one session's prepared statements have more than {} MiB",
                     kMaxPreparedBytes >> 20U),
         "Close statements that are no longer needed.");
    return Step::failed;
  }
  const sql::Effects effects = judge(text).effects;
  // 'now' means the moment of the Parse, and so has to be the client's own.
  const bool is_timeless = !sql::has_moving_literal(text);
  const bool shared =
      held_because_.empty() && effects.only(kLeaveNothing) && are_settings_known() && is_timeless;
  const std::string settings = parsing_settings(settings_);
  const PreparedScope scope{pool_.get(), profile_.get(), schema_epoch(), defaults_generation(), settings};
  PreparedStatementPtr statement = shared
                                       ? intern_statement(text, types, effects, judged_fingerprint(), scope)
                                       : make_private(text, types);
  const bool known_there = is_prepared_here(statement->id);
  if (known_there && mine.is_on_its_way(statement->id)) return wait_for_outcome();
  start_batch();
  backend::PoolCounters::add(pool_->counters().client_parses, 1);
  std::uint64_t mark = 0;
  if (!known_there) {
    mark = make_room_for(statement->id);
    backend_->prepared()[statement->id] = backend_->next_use();
    backend::PoolCounters::add(pool_->counters().server_parses, 1);
    forward(inserted().parse(statement->backend_name, text, types).bytes());
  }
  const std::uint32_t call = count_preparation(*statement);
  const ChangeNumber change = mine.set(name, std::move(statement), !known_there);
  backend_->expect(
      {.request = wire::Request::parse, .answered_here = known_there, .call = call, .tag = change | mark});
  return Step::used;
}

// --- Bind, Describe, Close
// ---------------------------------------------------------------------------------------------

Session::Step Session::on_bind(const std::byte* at, std::size_t total, std::size_t available) {
  std::string_view rest = as_text({at + kHeaderSize, available - kHeaderSize});
  std::string_view portal;
  std::string_view name;
  if (!take_cstring(rest, portal) || !take_cstring(rest, name)) {
    if (available < total && available <= kMaxJudged) return Step::incomplete;
    return malformed("invalid string in message");
  }
  if (const Step step = need_backend(); step != Step::used) return step;
  if (is_undecided(name)) return wait_for_outcome();
  start_batch();
  const bool were_settings_known = are_settings_known();  // before what is bound has its effects
  const PreparedStatementPtr* statement = find_statement(name);
  const std::string_view values = available == total ? rest : std::string_view();
  if (statement == nullptr) {
    // Prepared by SQL, too long to be remembered, or not there at all: the server knows.
    effects_ |= kDoubtful;
    ran_since_probe_ = true;
    tell_cache_of_unknown();
  } else if (const Step step = note_statement(**statement, values); step != Step::used) {
    return step;
  }
  if (name.empty()) ensure_unnamed(were_settings_known);
  const std::uint32_t call = count_bind(portal, statement == nullptr ? nullptr : statement->get(), values);
  if (statement == nullptr || name.empty()) {
    backend_->expect({.request = wire::Request::bind, .call = call});
    return stream_through(at, total, available);
  }
  ensure_prepared(**statement, were_settings_known);
  backend::PoolCounters::add(pool_->counters().binds, 1);
  const std::string& there = (*statement)->backend_name;
  std::array<std::byte, kHeaderSize> header;
  header[0] = std::byte{'B'};
  store_u32(header.data() + 1, static_cast<std::uint32_t>(total - 1 - name.size() + there.size()));
  forward(header);
  forward(at + kHeaderSize, portal.size() + 1);
  forward(as_bytes(there));
  const std::size_t head = kHeaderSize + portal.size() + 1 + name.size();
  backend_->expect({.request = wire::Request::bind, .call = call, .tag = names_->maker(name)});
  return stream_through(at + head, total - head, available - head);
}

/// set_config() may get the name from a parameter. A setting with a dot is found by its name only.
void Session::note_bound_settings(const PreparedStatement& statement, std::string_view values) {
  const auto numbers = sql::set_config_parameters(statement.text);
  if (numbers && numbers->empty()) return;  // all names are in the text
  const ReadRequest request{
      .statement = &statement, .text = statement.text, .types = statement.parameter_types, .values = values};
  const auto is_seen = [&request](int number) { return is_bound_setting_seen(request, number); };
  if (!numbers || values.empty() || !std::ranges::all_of(*numbers, is_seen)) effects_ |= Effect::hides_state;
}

/// The effects of a statement count when it is bound. What needs more than the effects is read from the text
/// again. `values`: what follows the names in the Bind; empty when that is not all here.
Session::Step Session::note_statement(const PreparedStatement& statement, std::string_view values) {
  if (statement.effects.has(Effect::sets_setting)) note_bound_settings(statement, values);
  if (reads_ != nullptr) reads_->follow_pool(defaults_generation());
  const bool cache_is_told =
      reads_ == nullptr || (reads_->is_asked_for() && !statement.effects.has(Effect::writes));
  if (cache_is_told && !code_->matters() && !effects_.has(Effect::changes_schema) &&
      statement.effects.only(kLeaveNothing) &&
      !statement.effects.any_of(Effect::reads_sequence_state | Effect::advances_sequence |
                                Effect::reads_session_views | Effect::changes_databases |
                                Effect::begins_transaction)) {
    if (reads_ != nullptr) reads_->was_asked_for();
    ran_since_probe_ = true;
    effects_ |= statement.effects;
    return Step::used;
  }
  return note_effects(judge(statement.text),
                      {.text = statement.text, .types = statement.parameter_types, .values = values});
}

Session::Step Session::on_describe_or_close(const std::byte* at, std::size_t total, std::size_t available) {
  if (available < total) return Step::incomplete;
  std::string_view rest = body_of(at, total);
  std::string_view name;
  const char what = rest.empty() ? '\0' : rest.front();
  if (!rest.empty()) rest.remove_prefix(1);
  if ((what != 'S' && what != 'P') || !take_cstring(rest, name) || !rest.empty()) {
    return malformed("invalid message format");
  }
  if (const Step step = need_backend(); step != Step::used) return step;
  const bool close = static_cast<char>(*at) == wire::frontend::kClose;
  if (what == 'S') {
    if (is_undecided(name)) return wait_for_outcome();
    start_batch();
    return close ? close_statement(name, at, total) : describe_statement(name, at, total);
  }
  start_batch();
  backend_->expect({.request = close ? wire::Request::close : wire::Request::describe_portal,
                    .shows_rows = !close && shows_rows()});
  forward(at, total);
  return Step::used;
}

Session::Step Session::close_statement(std::string_view name, const std::byte* at, std::size_t total) {
  if (name.empty()) {
    const ChangeNumber change = find_statement("") != nullptr ? names_->set("", nullptr) : 0;
    backend_->set_unnamed_statement(backend::Backend::kUnknownStatement);
    backend_->expect({.request = wire::Request::close, .tag = change});
    forward(at, total);
  } else if (find_statement(name) == nullptr) {
    effects_ |= kDoubtful;
    backend_->expect({.request = wire::Request::close});
    forward(at, total);
  } else {
    // Other clients may use the statement on this backend; it stays there until it is evicted.
    const ChangeNumber change = names_->set(name, nullptr);
    backend_->expect({.request = wire::Request::close, .answered_here = true, .tag = change});
  }
  return Step::used;
}

Session::Step Session::describe_statement(std::string_view name, const std::byte* at, std::size_t total) {
  if (name.empty()) ensure_unnamed(are_settings_known());
  const PreparedStatementPtr* statement = find_statement(name);
  if (statement == nullptr || name.empty()) {
    backend_->expect({.request = wire::Request::describe_statement});
    forward(at, total);
    return Step::used;
  }
  ensure_prepared(**statement, are_settings_known());
  backend_->expect({.request = wire::Request::describe_statement, .tag = names_->maker(name)});
  forward(inserted().begin('D').u8('S').cstring((*statement)->backend_name).end().bytes());
  return Step::used;
}

// --- what the backend has
// ---------------------------------------------------------------------------------------------

/// Prepares a statement of the client's on this backend, unseen by the client.
void Session::ensure_prepared(const PreparedStatement& statement, bool are_settings_known) {
  auto& there = backend_->prepared();
  const std::uint64_t use = backend_->next_use();
  if (is_prepared_here(statement.id)) {
    there[statement.id] = use;
    return;
  }
  const std::uint64_t mark = make_room_for(statement.id);
  const Reading reading = reading_of(statement, are_settings_known);
  there[statement.id] = reading.is_as_then ? use : kPreparedAskew;
  backend::PoolCounters::add(pool_->counters().server_parses, 1);
  names_->note_on_its_way(statement.id);
  prepare_again(statement, statement.backend_name, reading, statement.id | mark);
}

/// How a statement of the client's is to be read where it has to be prepared anew.
Reading Session::reading_of(const PreparedStatement& statement, bool are_settings_known) const {
  if (!statement.settings) return {};
  if (!are_settings_known) return {.there = {}, .back = {}, .is_as_then = false};
  return reading_as_then(statement, parsing_settings(settings_));
}

/// Unseen by the client. Whatever fails on the way, the settings of now come back with the transaction, or
/// the part of it, that the failure undoes.
void Session::prepare_again(const PreparedStatement& statement, std::string_view name, const Reading& reading,
                            std::uint64_t tag) {
  if (!reading.there.empty()) run_in_batch(reading.there);
  backend_->expect({.request = wire::Request::parse, .silent = true, .tag = tag});
  forward(inserted().parse(name, statement.text, as_bytes(statement.parameter_types)).bytes());
  if (!reading.back.empty()) run_in_batch(reading.back);
}

/// Whether the backend has it as whoever shares it expects.
bool Session::is_prepared_here(std::uint64_t statement) const {
  const auto at = backend_->prepared().find(statement);
  return at != backend_->prepared().end() && at->second != kPreparedAskew;
}

/// Whether a text means now what it means between transactions: nothing of this one has set anything, or may
/// have, and nothing temporary hides what has the same name.
bool Session::are_settings_known() const {
  return are_settings_untouched() && !lifetime_effects_.any_of(kDoubtful);
}

/// As far as the transaction at hand goes.
bool Session::are_settings_untouched() const {
  return touched_settings_ == nullptr &&
         !effects_.any_of(kDoubtful | Effect::sets_setting | Effect::sets_locally | Effect::resets_all |
                          Effect::makes_temporary | Effect::sets_authorization | Effect::changes_schema |
                          Effect::drops_objects);
}

/// Closes what has its name, and the statement that was not used for longest when the backend has too many.
/// Returns what is to be marked in the tag of its Parse.
std::uint64_t Session::make_room_for(std::uint64_t statement) {
  auto& there = backend_->prepared();
  const std::uint64_t mark = there.erase(statement) != 0 ? kReplaces : 0;
  if (mark != 0) close_prepared_here(statement);
  if (there.size() < pool_->rules().max_prepared_statements) return mark;
  const auto oldest = std::ranges::min_element(there, {}, [](const auto& entry) { return entry.second; });
  close_prepared_here(oldest->first);
  there.erase(oldest);
  return mark;
}

void Session::close_prepared_here(std::uint64_t statement) {
  forward(inserted().close_statement(backend_name(statement)).bytes());
  backend_->expect({.request = wire::Request::close, .silent = true, .tag = statement});
}

/// Makes the unnamed statement on the backend the client's own.
void Session::ensure_unnamed(bool are_settings_known) {
  const PreparedStatementPtr* mine = find_statement("");
  const std::uint64_t wanted = mine == nullptr ? 0 : (*mine)->id;
  if (backend_->unnamed_statement() == wanted) return;
  backend_->set_unnamed_statement(wanted);
  if (mine == nullptr) {
    forward(inserted().close_statement("").bytes());
    backend_->expect(
        {.request = wire::Request::close, .silent = true, .tag = backend::Backend::kUnknownStatement});
  } else {
    prepare_again(**mine, "", reading_of(**mine, are_settings_known), wanted);
  }
}

// --- SQL that speaks of prepared statements
// ---------------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kStatementsView = "pg_prepared_statements";

bool looks_at_all(const sql::Verdict& verdict) {
  return std::ranges::find(verdict.relations, kStatementsView) != verdict.relations.end();
}

}  // namespace

bool Session::speaks_of_names(const sql::Verdict& verdict) {
  return !verdict.prepared_names.empty() || looks_at_all(verdict);
}

/// Before SQL uses names of statements that were prepared through the protocol, or looks at the list of them:
/// the client's own must be there under their names, and ours must not be seen.
void Session::give_names_to_sql(const sql::Verdict& verdict) {
  const bool all = looks_at_all(verdict);
  if (all) {
    for (const auto& [id, use] : backend_->prepared()) close_prepared_here(id);
    backend_->prepared().clear();
  }
  if (names_ == nullptr) return;
  std::vector<std::pair<std::string, PreparedStatementPtr>> wanted;
  for (const std::string& name : verdict.prepared_names) {
    if (const auto* statement = names_->find(name)) wanted.emplace_back(name, *statement);
  }
  if (all) {
    names_->each([&](const std::string& name, const PreparedStatementPtr& statement) {
      wanted.emplace_back(name, statement);
    });
  }
  const bool removes = verdict.effects.has(Effect::deallocates) && verdict.statements == 1;
  for (const auto& [name, statement] : wanted) {
    if (names_->find(name) != nullptr) make_native(name, *statement, removes);
  }
  // What cannot be prepared any more must not keep the server from the query.
  if (!wanted.empty() && !in_batch_) {
    forward(inserted().begin(wire::frontend::kSync).end().bytes());
    backend_->expect({.request = wire::Request::sync, .silent = true});
  }
}

/// Gives a statement that was prepared through the protocol its own name on the backend, because SQL is about
/// to use that name. From then on the server answers for it, and the client keeps the backend. When all that
/// is about to happen is that it `is_removed`, an empty text does as well: that can always be prepared.
void Session::make_native(std::string_view name, const PreparedStatement& statement, bool is_removed) {
  if (is_removed) {
    backend_->expect({.request = wire::Request::parse, .silent = true});
    forward(inserted().parse(name, "", {}).bytes());
  } else {
    prepare_again(statement, name, reading_of(statement, are_settings_known()), 0);
  }
  names_->give_up(name);
  effects_ |= Effect::prepares;
  if (is_removed || !statement.effects.has(Effect::sets_setting)) return;
  // EXECUTE may give the setting a name that no Bind has shown.
  const auto numbers = sql::set_config_parameters(statement.text);
  if (!numbers || !numbers->empty()) effects_ |= Effect::hides_state;
}

// --- answers
// ------------------------------------------------------------------------------

void Session::on_done(const wire::Expectation& expectation) {
  if (expectation.request == wire::Request::execute) return backend_->set_sequence_owner(id_);
  if (names_ == nullptr) return;
  if (is_ours(expectation)) {
    names_->note_arrived(expectation.tag & ~kTagMarks);
  } else {
    names_->finish(expectation.tag & ~kReplaces);
  }
  outcome_is_known();
}

/// A Parse has not happened. Where the Close before it has not either, what was there is there still.
void Session::note_not_prepared(std::uint64_t statement, bool is_old_one_there) {
  if (statement == 0) return;
  if (is_old_one_there) {
    backend_->prepared()[statement] = kPreparedAskew;
  } else {
    backend_->prepared().erase(statement);
  }
}

void Session::on_skipped(const wire::Expectation& skipped, bool failed) {
  if (skipped.request == wire::Request::execute) return;
  auto& there = backend_->prepared();
  if (!is_ours(skipped)) {
    if ((skipped.tag & kDuplicateName) != 0) return;
    // A skipped Parse leaves whatever the unnamed statement was.
    backend_->set_unnamed_statement(backend::Backend::kUnknownStatement);
    const std::uint64_t undone = names_->undo(skipped.tag & ~kReplaces, failed);
    note_not_prepared(undone, (skipped.tag & kReplaces) != 0 && !failed);
  } else if (skipped.tag == backend_->unnamed_statement() ||
             skipped.tag == backend::Backend::kUnknownStatement) {
    backend_->set_unnamed_statement(backend::Backend::kUnknownStatement);
  } else if (skipped.request == wire::Request::close) {
    there[skipped.tag] = kPreparedAskew;
  } else {
    const std::uint64_t statement = skipped.tag & ~kTagMarks;
    note_not_prepared(statement, (skipped.tag & kReplaces) != 0 && !failed);
    names_->note_arrived(statement);
  }
  outcome_is_known();
}

/// The server's words name statements as it knows them; the client must read its own name.
std::optional<std::string_view> Session::on_error(const wire::Expectation* cause, std::string_view body) {
  error_seen_ = true;
  if (calls_ != nullptr && cause != nullptr) note_failed_call(*cause, body);
  if (routing_ != nullptr) note_refusal(body);
  if (cause == nullptr && is_leaving() && wire::ends_connection(body)) return std::nullopt;
  if (cause == nullptr || cause->tag == 0 || names_ == nullptr || is_ours(*cause)) return body;
  // "cached plan must not change result type": a table was altered past us. Who prepares anew gets a new
  // plan.
  if (wire::error_field(body, 'R') == "RevalidateCachedQuery") advance_schema_epoch();
  const auto [id, name] = names_->name_of(cause->tag & ~kTagMarks);
  const std::string there = fmt::format("\"{}\"", backend_name(id));
  if (id == 0 || body.find(there) == std::string_view::npos) return body;
  thread_local std::string replaced;
  replaced = wire::replace_in_error(body, there, fmt::format("\"{}\"", name));
  return replaced;
}

}  // namespace forebay::engine
