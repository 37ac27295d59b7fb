// What becomes of a session's state when a transaction ends: it is carried, or the backend is kept.

#include <algorithm>

#include <fmt/format.h>

#include "backend/pool_directory.hpp"
#include "engine/burst.hpp"
#include "engine/code_question.hpp"
#include "engine/code_watch.hpp"
#include "engine/custom_settings.hpp"
#include "engine/effect_sets.hpp"
#include "engine/prepared_statement.hpp"
#include "engine/session.hpp"
#include "engine/session_reads.hpp"
#include "net/loop.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

/// A reminder looks at held state only when the client has been quiet for this long; the look costs the
/// server about a millisecond.
constexpr Duration kQuietBeforeProbe{1'000};

/// Settings of a transaction, not of the session.
bool is_transaction_setting(std::string_view name) {
  return name.starts_with("transaction_");
}

std::string_view hold_reason(Effects effects) {
  if (effects.has(Effect::listens)) return "LISTEN";
  if (effects.has(Effect::makes_temporary)) return "temporary objects";
  if (effects.has(Effect::holds_cursor)) return "WITH HOLD cursor";
  if (effects.has(Effect::locks_session)) return "advisory lock";
  if (effects.any_of(Effect::prepares | Effect::uses_prepared)) return "SQL-level prepared statement";
  if (effects.has(Effect::sets_authorization)) return "SET SESSION AUTHORIZATION";
  if (effects.has(Effect::loads_library)) return "LOAD";
  if (effects.has(Effect::seeds_random)) return "setseed";
  if (effects.has(Effect::hides_state)) return "state that no look at the session shows";
  return "code that may have changed the session";
}

constexpr std::string_view kForeignLetters = "settings whose letters depend on client_encoding";

/// Values are read, and written, in the encoding that the session has at the moment: a backend that has
/// another one yet would take them for other letters.
bool are_alike_everywhere(const backend::SessionSettingsPtr& settings) {
  if (backend::find_setting(settings, "client_encoding") == nullptr) return true;
  return std::ranges::all_of(*settings, [](const auto& setting) {
    return std::ranges::all_of(setting.second, [](char c) { return static_cast<signed char>(c) >= 0; });
  });
}

/// A row, if there is a temporary view, or a temporary table with rules or triggers. Found by what depends on
/// the schema, for pg_class has no index by it.
constexpr std::string_view kShadows =
    "SELECT 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.objid "
    "WHERE d.refclassid OPERATOR(pg_catalog.=) 2615::pg_catalog.oid "
    "AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() "
    "AND d.classid OPERATOR(pg_catalog.=) 1259::pg_catalog.oid "
    "AND (c.relkind OPERATOR(pg_catalog.=) 'v' OR c.relhasrules OR c.relhastriggers) LIMIT 1";

/// Name, value and whether it could be read, of every setting in a list. The value is NULL where the session
/// has its default, so that a SET that was refused, rolled back or reset leaves nothing to carry. Custom
/// settings and role are not in pg_settings; neither is what does not exist, and what only a superuser may
/// see: asking for the latter is an error.
constexpr std::string_view kReadBack =
    "SELECT n, CASE WHEN s.source OPERATOR(pg_catalog.=) 'session' THEN pg_catalog.current_setting(n) "
    "WHEN s.name IS NULL AND pg_catalog.strpos(n, '.') OPERATOR(pg_catalog.>) 0 "
    "THEN pg_catalog.current_setting(n, true) "
    "WHEN n OPERATOR(pg_catalog.=) 'role' "
    "THEN CASE WHEN pg_catalog.current_setting(n) OPERATOR(pg_catalog.<>) 'none' THEN "
    "pg_catalog.current_setting(n) END END, "
    "s.name IS NOT NULL OR n OPERATOR(pg_catalog.=) 'role' OR pg_catalog.strpos(n, '.') "
    "OPERATOR(pg_catalog.>) 0 OR pg_catalog.current_setting(n, true) IS NULL "
    "FROM pg_catalog.unnest(ARRAY[{}]::pg_catalog.text[]) AS n "
    "LEFT JOIN pg_catalog.pg_settings AS s ON pg_catalog.lower(s.name) OPERATOR(pg_catalog.=) "
    "pg_catalog.lower(n)";

/// One look at everything a session can hold. Every name is qualified and every operator too, because the
/// session's own search_path is in force. Names of settings are in lower case, as everywhere with us: carried
/// under two spellings, DateStyle and datestyle, a setting would be reset by the one and not set by the
/// other.
std::string probe_sql(const std::vector<std::string>& custom) {
  std::string sql =
      "SELECT 'setting', pg_catalog.lower(name), pg_catalog.current_setting(name) FROM "
      "pg_catalog.pg_settings "
      "WHERE source OPERATOR(pg_catalog.=) 'session' AND NOT pg_catalog.starts_with(name, 'transaction_') "
      "UNION ALL SELECT 'setting', 'role', pg_catalog.current_setting('role') "
      "UNION ALL SELECT 'authorization', session_user::pg_catalog.text, NULL "
      "UNION ALL SELECT 'trace', 'temporary schema', NULL "
      "WHERE pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.<>) 0::pg_catalog.oid "
      "UNION ALL (SELECT 'held', 'temporary objects', NULL FROM pg_catalog.pg_depend "
      "WHERE refclassid OPERATOR(pg_catalog.=) 2615::pg_catalog.oid "
      "AND refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() LIMIT 1) "
      "UNION ALL (SELECT 'held', 'SQL-level prepared statement', NULL FROM pg_catalog.pg_prepared_statements "
      "WHERE NOT pg_catalog.starts_with(name, '" +
      backend_name_prefix() +
      "') LIMIT 1) "
      "UNION ALL (SELECT 'ours', pg_catalog.count(*)::pg_catalog.text, NULL "
      "FROM pg_catalog.pg_prepared_statements "
      "WHERE pg_catalog.starts_with(name, '" +
      backend_name_prefix() +
      "')) "
      "UNION ALL (SELECT 'held', 'WITH HOLD cursor', NULL FROM pg_catalog.pg_cursors WHERE is_holdable LIMIT "
      "1) "
      "UNION ALL (SELECT 'held', 'LISTEN', NULL FROM pg_catalog.pg_listening_channels() LIMIT 1) "
      "UNION ALL (SELECT 'held', 'advisory lock', NULL FROM pg_catalog.pg_locks "
      "WHERE locktype OPERATOR(pg_catalog.=) 'advisory' "
      "AND pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() LIMIT 1)";
  sql += " UNION ALL SELECT 'code', " + functions_fingerprint() + ", NULL";
  for (const std::string& name : custom) {
    const std::string quoted = backend::quote_literal(name);
    sql += fmt::format(
        " UNION ALL SELECT 'setting', {0}, pg_catalog.current_setting({0}, true) "
        "WHERE pg_catalog.current_setting({0}, true) IS NOT NULL",
        quoted);
  }
  return sql;
}

}  // namespace

/// Everything is answered and nothing keeps the client here: with this answer the backend goes, and what is
/// said behind it is another's.
bool Session::is_leaving() const {
  const bool is_busy = in_batch_ || barrier_ || preparing_ || asking_ || body_left_ > 0;
  return unsettled_ && !is_busy && backend_->is_settled() && effects_.only(kLeaveNothing) &&
         backend_->tracker().transaction_status() == 'I' && held_because_.empty() && !keeps_backend();
}

void Session::settle() {
  if (in_batch_ || body_left_ > 0 || backend_ == nullptr || !backend_->is_settled()) return;
  unsettled_ = false;
  if (backend_->tracker().transaction_status() == 'I') return settle_transaction();
  // Inside a transaction the state is looked at when it ends; what was waited for is known. In a failed one
  // nothing of it has happened.
  if (!barrier_) return;
  barrier_ = false;
  if (backend_->tracker().transaction_status() == 'T') {
    // No rollback takes it back, and the end of the transaction must not do it again.
    note_discards(std::exchange(effects_, effects_.without(Effect::deallocates_all)), failed_);
  } else if (effects_.has(Effect::deallocates_all)) {
    discard_failed_ = true;
  }
  if (!asking_ && blocked_) unblock();
}

void Session::settle_transaction() {
  const Effects effects = std::exchange(effects_, Effects());
  lifetime_effects_ |= effects;
  if (effects.any_of(kMayShadow) && shadows_ == Shadows::none) shadows_ = Shadows::unknown;
  cancel_sent_ = false;
  if (reads_ != nullptr) reads_->forget_writes();
  if (effects.only(kLeaveNothing) && held_because_.empty() && !barrier_) {
    if (effects.any_of(Effect::changes_schema | Effect::drops_objects | Effect::changes_defaults))
      note_global_changes(effects);
    return keep_or_give_back();
  }
  barrier_ = false;
  note_global_changes(effects);
  if (effects.any_of(kHoldBackend | kDoubtful)) hold(hold_reason(effects));
  note_discards(effects, failed_ || discard_failed_);
  discard_failed_ = false;
  if (asking_) return;
  if (touched_settings_ != nullptr || effects.has(Effect::resets_all)) return read_settings_back();
  keep_or_give_back();
}

void Session::note_global_changes(Effects effects) {
  if (effects.any_of(Effect::changes_schema | Effect::drops_objects) &&
      !effects.has(Effect::makes_temporary)) {
    advance_schema_epoch();
    code_->invalidate(net::Loop::current()->now());
  }
  // A DO block may have made a trigger.
  if (effects.any_of(Effect::runs_code | Effect::unparsable)) code_->look_soon(net::Loop::current()->now());
  if (effects.has(Effect::changes_defaults)) pool_->directory().renew_defaults();
}

/// DISCARD and DEALLOCATE ALL change what we know of the backend.
void Session::note_discards(Effects effects, bool failed) {
  if (!effects.any_of(Effect::discards_all | Effect::deallocates_all)) return;
  if (failed) {
    // Whether it happened before or after the error cannot be told: make it so.
    backend_->prepared().clear();
    return ask("DEALLOCATE ALL", &Session::on_deallocated);
  }
  backend_->prepared().clear();
  if (names_ != nullptr) names_->give_up_all();
  if (!effects.has(Effect::discards_all)) return;
  backend_->set_sequence_owner(backend::ClientId::nobody);
  backend_->set_settings(nullptr);
  touched_settings_.reset();
  any_setting_ = false;
  forget_shadows();
  settings_ = initial_settings_;
  lifetime_effects_ =
      lifetime_effects_.has(Effect::loads_library) ? Effects(Effect::loads_library) : Effects();
  held_because_ = lifetime_effects_.empty() ? std::string_view() : hold_reason(lifetime_effects_);
  if (settings_ != nullptr) {
    // The session goes back to what its start-up packet asked for, and application_name is part of that.
    ask(backend::settings_change(nullptr, settings_), &Session::on_restored);
  }
}

/// DISCARD ALL and DEALLOCATE ALL with more behind them before the Sync: nothing of that is sent until it is
/// known whether they have happened, for what comes after them stays.
void Session::note_discards_in_batch() {
  discards_ = false;
  if (backend_ == nullptr || error_seen_) return;
  const Effects effects = std::exchange(effects_, effects_.without(Effect::deallocates_all));
  backend_->prepared().clear();
  backend_->set_unnamed_statement(backend::Backend::kUnknownStatement);
  if (names_ != nullptr) names_->give_up_all();
  if (!effects.has(Effect::discards_all)) return;
  note_global_changes(effects);
  backend_->set_sequence_owner(backend::ClientId::nobody);
  backend_->set_settings(nullptr);
  touched_settings_.reset();
  any_setting_ = false;
  forget_shadows();
  held_because_ = {};
  // The settings of the start-up packet are put back when the transaction ends.
  effects_ = Effect::resets_all;
  lifetime_effects_ =
      lifetime_effects_.has(Effect::loads_library) ? Effects(Effect::loads_library) : Effects();
  if (!lifetime_effects_.empty()) hold(hold_reason(lifetime_effects_));
}

/// What came before the error may have changed settings, and what discards may have put them back.
void Session::on_deallocated(const backend::QuestionError* error, const backend::Rows& /*rows*/) {
  if (error != nullptr) hold("statements that could not be deallocated");
  if (backend_->tracker().transaction_status() != 'I') return keep_or_give_back();
  read_settings_back();
}

void Session::on_restored(const backend::QuestionError* error, const backend::Rows&) {
  if (error == nullptr) backend_->set_settings(settings_);
  if (error != nullptr) hold("settings that could not be restored");
  keep_or_give_back();
}

void Session::ask(const std::string& sql,
                  void (Session::*then)(const backend::QuestionError* error, const backend::Rows& rows)) {
  asking_ = true;
  state_since_ = net::Loop::current()->now();
  backend_->ask(sql, [this, then](const backend::QuestionError* error, const backend::Rows& rows) {
    asking_ = false;
    (this->*then)(error, rows);
  });
}

/// The server is asked what the settings are now, so that rollbacks, savepoints and functions need not be
/// followed.
void Session::read_settings_back() {
  if (any_setting_) {
    hold("settings changed under names that are not known");
    any_setting_ = false;
  }
  if (touched_settings_ == nullptr) touched_settings_ = std::make_unique<std::vector<std::string>>();
  if (settings_ != nullptr) {
    for (const auto& [name, value] : *settings_) {
      if (std::ranges::find(*touched_settings_, name) == touched_settings_->end())
        touched_settings_->push_back(name);
    }
  }
  std::erase_if(*touched_settings_, is_transaction_setting);
  if (touched_settings_->empty()) {
    touched_settings_.reset();
    return keep_or_give_back();
  }
  std::string list;
  for (const std::string& name : *touched_settings_) {
    note_custom_setting(name);
    list += list.empty() ? "" : ",";
    list += backend::quote_literal(name);
  }
  ask(fmt::format(kReadBack, list), &Session::on_settings_read);
}

/// A custom setting leaves its name behind even when it is reset, and the backend does not know it yet: the
/// client has set it, or it was being given to the backend, or could not be.
bool Session::has_unread_custom_setting() const {
  if (preparing_ && backend::leaves_placeholders(settings_, nullptr)) return true;
  const auto is_custom = [](const std::string& name) { return name.find('.') != std::string::npos; };
  return touched_settings_ != nullptr && std::ranges::any_of(*touched_settings_, is_custom);
}

void Session::on_settings_read(const backend::QuestionError* error, const backend::Rows& rows) {
  const bool complete = error == nullptr && rows.size() == touched_settings_->size() &&
                        std::ranges::all_of(rows, [](const wire::Row& row) {
                          return row.size() == 3 && row[0] && row[2] == "t";
                        });
  if (error != nullptr && error->sqlstate == wire::sqlstate::kQueryCanceled) {
    // A cancel that came too late for the client's own statement, or the client's statement_timeout. They are
    // read when its next transaction ends, or by a look at the session.
    hold("settings that are to be read again");
    return keep_or_give_back();
  }
  touched_settings_.reset();
  if (!complete) {
    // Not readable for this role, for example: then the backend is the only one that has them.
    lifetime_effects_ |= Effect::runs_code;
    hold("settings that cannot be read");
    unreadable_ = true;
    return keep_or_give_back();
  }
  for (const wire::Row& row : rows)
    settings_ = backend::with_setting(settings_, *row[0], row[1] ? &*row[1] : nullptr);
  backend_->set_settings(settings_);
  if (!are_alike_everywhere(settings_)) hold(kForeignLetters);
  const std::string* path = backend::find_setting(settings_, "search_path");
  if (path != nullptr && path->find("pg_temp") != std::string::npos) hold("search_path with pg_temp");
  restore_application_name();
}

/// RESET goes back to what the start-up packet asked for, and there the client's application_name was.
void Session::restore_application_name() {
  constexpr std::string_view name = "application_name";
  const std::string* initial = backend::find_setting(initial_settings_, name);
  if (initial == nullptr || backend::find_setting(settings_, name) != nullptr) return keep_or_give_back();
  settings_ = backend::with_setting(settings_, name, initial);
  ask(backend::settings_change(backend_->settings(), settings_), &Session::on_restored);
}

void Session::hold(std::string_view because) {
  held_because_ = because;
  ran_since_probe_ = true;
}

/// For as long as it is connected, whatever it does.
bool Session::keeps_backend() const {
  return pool_->rules().mode == config::PoolMode::session || is_replication();
}

/// Never inside a transaction: what was asked there goes on when it is answered.
void Session::keep_or_give_back() {
  if (backend_->tracker().transaction_status() != 'I') {
    if (blocked_) unblock();
    return;
  }
  const bool keeps = keeps_backend();
  if (keeps || !held_because_.empty()) {
    // A client that asks without a break is never found at rest.
    if (!keeps && release_wanted_ && may_probe()) return probe();
    auto& holder = static_cast<backend::Holder&>(*this);
    if (!keeps && !holder.is_linked()) pool_->add_holder(holder);
    if (blocked_) unblock();
    return;
  }
  give_back();
}

void Session::give_back() {
  backend::Backend& backend = *backend_;
  backend_ = nullptr;
  static_cast<backend::Holder&>(*this).unlink();
  lifetime_effects_ = {};
  forget_shadows();
  if (blocked_) unblock();
  backend.pool().give_back(backend);
}

void Session::forget_shadows() {
  shadows_ = Shadows::none;
  asks_for_shadows_ = false;
}

/// A write has ended all entries for want of knowing; the next one need not. Only when the client goes on: an
/// answer that is on its way when it leaves would cost the backend.
bool Session::looks_for_shadows(char type) {
  if (!asks_for_shadows_ || type == wire::frontend::kTerminate || backend_ == nullptr) return false;
  const bool is_busy = in_batch_ || asking_ || preparing_ || !to_server().empty();
  if (is_busy || !backend_->is_settled() || backend_->tracker().transaction_status() != 'I') return false;
  ask(std::string(kShadows), &Session::on_shadows);
  return true;
}

void Session::on_shadows(const backend::QuestionError* error, const backend::Rows& rows) {
  asks_for_shadows_ = false;
  if (error == nullptr) shadows_ = rows.empty() ? Shadows::none : Shadows::some;
  keep_or_give_back();
}

// --- held backends
// -------------------------------------------------------------------------------------------------

void Session::on_release_wanted(bool urgent) {
  if (backend_ == nullptr || asking_ || preparing_ || held_because_.empty()) return;
  release_wanted_ = release_wanted_ || urgent;
  if (!may_probe()) return;
  if (!urgent && net::Loop::current()->now() - state_since_ < kQuietBeforeProbe) return;
  probe();
}

/// Whether a look at the session can be had now, and could release the backend.
bool Session::may_probe() const {
  return ran_since_probe_ && !in_batch_ && !unreadable_ && !lifetime_effects_.any_of(kIndelible) &&
         backend_->is_settled() && backend_->tracker().transaction_status() == 'I' &&
         pool_->rules().mode != config::PoolMode::session && knows_all_custom_settings();
}

void Session::probe() {
  ran_since_probe_ = release_wanted_ = false;
  ask(probe_sql(custom_settings()), &Session::on_probe);
}

void Session::on_probe(const backend::QuestionError* error, const backend::Rows& rows) {
  if (error != nullptr) return finish_probe_later();
  backend::SessionSettingsPtr found;
  std::string_view because;
  for (const auto& row : rows) {
    if (row.size() != 3 || !row[0] || !row[1]) continue;
    if (*row[0] == "setting" && row[2]) {
      const bool default_role = *row[1] == "role" && *row[2] == "none";
      if (!default_role) found = backend::with_setting(found, *row[1], &*row[2]);
      if (*row[1] == "search_path" && row[2]->find("pg_temp") != std::string::npos) because = held_because_;
    } else if (*row[0] == "held" || (*row[0] == "authorization" && *row[1] != pool_->user())) {
      because = held_because_;
    } else if (*row[0] == "code" && !code_->knows_functions(*row[1])) {
      return look_at_catalog_and_probe();
    } else if (*row[0] == "ours" && *row[1] != std::to_string(backend_->prepared().size())) {
      // Code in the database has deallocated them, or made some.
      lifetime_effects_ |= Effect::hides_state;
    } else if (*row[0] == "trace") {
      lifetime_effects_ |= Effect::makes_temporary;
    }
  }
  if (reads_ != nullptr && parsing_settings(found) != parsing_settings(settings_)) reads_->doubt_prepared();
  settings_ = found;
  backend_->set_settings(settings_);
  touched_settings_.reset();
  if (!are_alike_everywhere(settings_)) because = kForeignLetters;
  if (because.empty()) {
    held_because_ = {};
    forget_shadows();
    if (std::exchange(lifetime_effects_, Effects()).any_of(kLeaveTraces)) {
      // Clean, but not as good as new: nobody else shall have it.
      backend::Backend& used = *std::exchange(backend_, nullptr);
      static_cast<backend::Holder&>(*this).unlink();
      pool_->discard(used);
      if (blocked_) unblock();
      return;
    }
  }
  keep_or_give_back();
}

}  // namespace forebay::engine
