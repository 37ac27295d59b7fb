#include <map>
#include <set>

#include <fmt/format.h>

#include "config/values.hpp"
#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

/// What the pools of one database, or of one user, have together.
struct Use {
  std::uint64_t backends = 0;
  std::uint64_t clients = 0;
};

std::uint64_t setting_or(const std::optional<std::uint32_t>& own, std::uint32_t otherwise) {
  return own.value_or(otherwise);
}

void text_or_null(RowWriter& rows, const std::string& text) {
  if (text.empty()) {
    rows.null();
  } else {
    rows.text(text);
  }
}

void mode_or_null(RowWriter& rows, const std::optional<config::PoolMode>& mode) {
  text_or_null(rows, mode ? config::to_text(*mode) : std::string());
}

/// The database's name on its server.
std::string server_name(const config::Upstream& upstream, const config::Database* entry,
                        const std::string& name) {
  if (entry != nullptr && !entry->server_database.empty()) return entry->server_database;
  return upstream.database.empty() ? name : upstream.database;
}

void database_row(RowWriter& rows, const ShowRequest& request, const config::Settings& settings,
                  const std::string& name, const Use& use) {
  auto& directory = request.front.directory();
  const config::Database* entry = config::database_entry(settings, name);
  const config::PoolOverride none;
  const config::PoolOverride& own = entry == nullptr ? none : entry->pool;
  const config::Upstream& upstream =
      entry != nullptr && entry->upstream ? *entry->upstream : settings.upstream;
  const config::Limits& limits = settings.limits;
  rows.text(name).text(upstream.host).number(upstream.port).text(server_name(upstream, entry, name)).null();
  rows.number(setting_or(own.pool_size, limits.pool_size));
  rows.number(setting_or(own.pool_min_size, limits.pool_min_size));
  rows.number(setting_or(own.reserve_size, limits.reserve_size));
  rows.number(static_cast<std::uint64_t>(settings.timeouts.recycle.count()) / 1000);
  mode_or_null(rows, own.pool_mode);
  rows.null();
  rows.number(setting_or(own.max_backends, limits.max_backends_per_database)).number(use.backends);
  rows.number(setting_or(own.max_clients, limits.max_clients_per_database)).number(use.clients);
  rows.number(directory.is_paused(name) ? 1 : 0).number(directory.is_disabled(name) ? 1 : 0);
  if (request.shows_own_columns()) rows.number(setting_or(own.pool_overflow, limits.pool_overflow));
}

std::map<std::string, Use> uses(const ShowRequest& request,
                                const std::string& (backend::Pool::*name)() const) {
  std::map<std::string, Use> by_name;
  for (const auto& pool : request.front.directory().all()) {
    Use& use = by_name[(*pool.*name)()];
    use.backends += pool->open_backends();
    use.clients += pool->clients();
  }
  return by_name;
}

}  // namespace

void databases(const ShowRequestPtr& request, ShowDone done) {
  const auto settings = request->front.settings();
  auto by_name = uses(*request, &backend::Pool::database);
  for (const auto& [name, entry] : settings->databases) {
    if (name != "*") by_name.try_emplace(name);
  }
  for (const std::string& name : request->front.directory().restricted_databases()) by_name.try_emplace(name);
  RowWriter rows(request->columns, request->formats);
  for (const auto& [name, use] : by_name) database_row(rows, *request, *settings, name, use);
  done(std::string(as_text(rows.bytes())));
}

void users(const ShowRequestPtr& request, ShowDone done) {
  const auto settings = request->front.settings();
  auto by_name = uses(*request, &backend::Pool::user);
  for (const auto& [name, entry] : settings->users) by_name.try_emplace(name);
  RowWriter rows(request->columns, request->formats);
  for (const auto& [name, use] : by_name) {
    const auto at = settings->users.find(name);
    const config::PoolOverride own = at == settings->users.end() ? config::PoolOverride() : at->second.pool;
    rows.text(name);
    text_or_null(rows, own.pool_size ? std::to_string(*own.pool_size) : std::string());
    text_or_null(rows, own.reserve_size ? std::to_string(*own.reserve_size) : std::string());
    mode_or_null(rows, own.pool_mode);
    rows.number(setting_or(own.max_backends, settings->limits.max_backends_per_user)).number(use.backends);
    rows.number(setting_or(own.max_clients, settings->limits.max_clients_per_user)).number(use.clients);
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
