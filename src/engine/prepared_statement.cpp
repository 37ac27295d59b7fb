#include "engine/prepared_statement.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "backend/random_name.hpp"
#include "cache/entry.hpp"
#include "engine/trace_comment.hpp"

namespace forebay::engine {

namespace {

std::atomic<std::uint64_t> next_id = 1;
std::atomic<std::uint64_t> epoch = 0;

using Key = std::string;

/// The statement of a key, and how many of that key have not been destroyed yet: the last one takes its entry
/// along. There may be several, for one that nobody holds any more may not have come to its end.
struct Shared {
  std::weak_ptr<const PreparedStatement> statement;
  std::size_t alive = 0;
};

struct Interned {
  std::mutex mutex;
  std::map<Key, Shared> statements;  ///< guarded by mutex
};

Interned& interned() {
  // Never destroyed: statements may live longer than what is static.
  static auto& table = *new Interned;
  return table;
}

Key key_of(std::string_view text, Bytes types, const PreparedScope& scope) {
  return fmt::format("{}:{}:{}:{}:{}:{}:{}:{}", scope.pool, scope.profile, scope.schema_epoch,
                     scope.defaults_generation, scope.settings.size(), scope.settings, types.size(),
                     as_text(types)) +
         std::string(text);
}

PreparedStatement make_statement(std::string_view text, Bytes types, sql::Effects effects,
                                 const sql::Fingerprint& fingerprint, bool is_shared,
                                 std::optional<std::string> settings, bool are_settings_certain) {
  const std::uint64_t id = next_id.fetch_add(1);
  return {.id = id,
          .backend_name = backend_name(id),
          .text = std::string(text),
          .parameter_types = std::string(as_text(types)),
          .effects = effects,
          .fingerprint = fingerprint,
          .is_shared = is_shared,
          .hash = is_shared ? statement_hash(text, as_text(types)) : 0,
          .settings = std::move(settings),
          .are_settings_certain = are_settings_certain,
          .may_have_outer_comment = may_have_outer_comment(text)};
}

}  // namespace

const std::string& backend_name_prefix() {
  static const std::string prefix = "_fb" + backend::random_name().substr(0, 8) + "_";
  return prefix;
}

std::string parsing_settings(const backend::SessionSettingsPtr& settings) {
  constexpr std::string_view kOthers[] = {"application_name",
                                          "client_min_messages",
                                          "deadlock_timeout",
                                          "idle_in_transaction_session_timeout",
                                          "idle_session_timeout",
                                          "lock_timeout",
                                          "statement_timeout",
                                          "synchronous_commit",
                                          "work_mem"};
  std::string bytes;
  if (settings == nullptr) return bytes;
  for (const auto& [name, value] : *settings) {
    // PostgreSQL itself asks for none with a dot.
    if (name.find('.') != std::string::npos || std::ranges::find(kOthers, name) != std::end(kOthers))
      continue;
    bytes.append(name).push_back('\0');
    bytes.append(value).push_back('\0');
  }
  return bytes;
}

std::string backend_name(std::uint64_t id) {
  return fmt::format("{}{:x}", backend_name_prefix(), id);
}

std::uint64_t statement_hash(std::string_view text, std::string_view parameter_types) {
  return cache::key_hash({cache::key_hash(text), cache::key_hash(parameter_types)});
}

std::uint64_t next_statement_id() {
  return next_id.load(std::memory_order_relaxed);
}

PreparedStatementPtr private_statement(std::string_view text, Bytes types, sql::Effects effects,
                                       const sql::Fingerprint& fingerprint,
                                       std::optional<std::string> settings, bool are_settings_certain) {
  return std::make_shared<const PreparedStatement>(
      make_statement(text, types, effects, fingerprint, false, std::move(settings), are_settings_certain));
}

PreparedStatementPtr intern_statement(std::string_view text, Bytes types, sql::Effects effects,
                                      const sql::Fingerprint& fingerprint, const PreparedScope& scope) {
  Interned& table = interned();
  Key key = key_of(text, types, scope);
  const std::lock_guard lock(table.mutex);
  const auto at = table.statements.try_emplace(std::move(key)).first;
  Shared& shared = at->second;
  if (auto statement = shared.statement.lock()) return statement;
  const auto destroy = [at](const PreparedStatement* dead) {
    const std::unique_ptr<const PreparedStatement> its(dead);
    Interned& all = interned();
    const std::lock_guard held(all.mutex);
    if (--at->second.alive == 0) all.statements.erase(at);
  };
  PreparedStatementPtr statement(new PreparedStatement(make_statement(text, types, effects, fingerprint, true,
                                                                      std::string(scope.settings), true)),
                                 destroy);
  ++shared.alive;
  shared.statement = statement;
  return statement;
}

std::uint64_t schema_epoch() {
  return epoch.load(std::memory_order_relaxed);
}

void advance_schema_epoch() {
  epoch.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace forebay::engine
