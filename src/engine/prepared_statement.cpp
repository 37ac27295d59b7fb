#include "engine/prepared_statement.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include <fmt/format.h>

namespace forebay::engine {

namespace {

std::atomic<std::uint64_t> next_id = 1;
std::atomic<std::uint64_t> epoch = 0;

using Key = std::string;

struct Interned {
  std::mutex mutex;
  std::map<Key, std::weak_ptr<const PreparedStatement>> statements;
  std::size_t sweep_at = 1024;
};

Interned& interned() {
  static Interned table;
  return table;
}

Key key_of(std::string_view text, Bytes types, const PreparedScope& scope) {
  return fmt::format("{}:{}:{}:{}:{}:{}:{}", scope.pool, scope.profile, scope.schema_epoch,
                     scope.search_path.size(), scope.search_path, types.size(), as_text(types)) +
         std::string(text);
}

}  // namespace

std::string PreparedStatement::backend_name() const {
  return fmt::format("{}{:x}", kBackendNamePrefix, id);
}

PreparedStatementPtr private_statement(std::string_view text, Bytes types, sql::Effects effects) {
  return std::make_shared<const PreparedStatement>(
      PreparedStatement{next_id.fetch_add(1), std::string(text), std::string(as_text(types)), effects});
}

PreparedStatementPtr intern_statement(std::string_view text, Bytes types, sql::Effects effects,
                                      const PreparedScope& scope) {
  Interned& table = interned();
  Key key = key_of(text, types, scope);
  const std::lock_guard lock(table.mutex);
  auto& known = table.statements[std::move(key)];
  if (auto statement = known.lock()) return statement;
  auto statement = private_statement(text, types, effects);
  known = statement;
  if (table.statements.size() >= table.sweep_at) {
    std::erase_if(table.statements, [](const auto& entry) { return entry.second.expired(); });
    table.sweep_at = std::max<std::size_t>(1024, table.statements.size() * 2);
  }
  return statement;
}

std::uint64_t schema_epoch() {
  return epoch.load(std::memory_order_relaxed);
}

void advance_schema_epoch() {
  epoch.fetch_add(1, std::memory_order_relaxed);
}

const PreparedStatementPtr* PreparedStatements::find(std::string_view name) const {
  const auto at = named_.find(name);
  return at == named_.end() ? nullptr : &at->second.statement;
}

void PreparedStatements::add(std::string_view name, PreparedStatementPtr statement) {
  named_[std::string(name)] = Entry{std::move(statement), ++parses_};
  ++open_outcomes_;
}

void PreparedStatements::erase(std::string_view name) {
  if (const auto at = named_.find(name); at != named_.end()) take_out(at);
}

void PreparedStatements::erase_all() {
  named_.clear();
  former_names_.clear();
}

void PreparedStatements::take_out(Named::iterator at) {
  former_names_.emplace_back(at->second.statement->id, at->first);
  named_.erase(at);
}

void PreparedStatements::close(std::string_view name) {
  const auto at = named_.find(name);
  closed_.emplace_back(at->first, at->second.statement);
  take_out(at);
}

void PreparedStatements::reopen(std::uint64_t id) {
  const auto at = std::ranges::find(closed_, id, [](const auto& closed) { return closed.second->id; });
  if (at == closed_.end()) return;
  named_.try_emplace(at->first, Entry{at->second});
  closed_.erase(at);
}

PreparedStatements::Named::iterator PreparedStatements::first_unconfirmed(std::uint64_t id) {
  auto first = named_.end();
  if (open_outcomes_ == 0) return first;
  for (auto at = named_.begin(); at != named_.end(); ++at) {
    const Entry& entry = at->second;
    if (entry.unconfirmed == 0 || entry.statement->id != id) continue;
    if (first == named_.end() || entry.unconfirmed < first->second.unconfirmed) first = at;
  }
  if (first != named_.end()) --open_outcomes_;
  return first;
}

void PreparedStatements::confirm(std::uint64_t id) {
  if (const auto at = first_unconfirmed(id); at != named_.end()) at->second.unconfirmed = 0;
}

void PreparedStatements::undo(std::uint64_t id) {
  if (const auto at = first_unconfirmed(id); at != named_.end()) take_out(at);
}

std::string_view PreparedStatements::name_of(std::uint64_t id) const {
  for (const auto& [name, entry] : named_) {
    if (entry.statement->id == id) return name;
  }
  for (const auto& [former, name] : former_names_) {
    if (former == id) return name;
  }
  return {};
}

}  // namespace forebay::engine
