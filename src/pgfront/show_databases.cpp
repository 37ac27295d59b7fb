#include "config/values.hpp"
#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

std::uint64_t setting_or(const std::optional<std::uint32_t>& own, std::uint32_t otherwise) {
  return own.value_or(otherwise);
}

void mode_or_null(RowWriter& rows, const std::optional<config::PoolMode>& mode) {
  rows.text_or_null(mode ? config::to_text(*mode) : std::string());
}

/// The database's name on its server.
std::string server_name(const config::Upstream& upstream, const config::Database* entry,
                        const std::string& name) {
  if (entry != nullptr && !entry->server_database.empty()) return entry->server_database;
  return upstream.database.empty() ? name : upstream.database;
}

void database_row(RowWriter& rows, const ShowRequest& request, const config::Settings& settings,
                  const DatabaseFacts& facts) {
  const std::string& name = facts.name;
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
  rows.number(facts.most_backends).number(facts.backends).number(facts.most_clients).number(facts.clients);
  rows.number(facts.is_paused ? 1 : 0).number(facts.is_disabled ? 1 : 0);
  if (request.shows_own_columns()) rows.number(setting_or(own.pool_overflow, limits.pool_overflow));
}

}  // namespace

void databases(const ShowRequestPtr& request, ShowDone done) {
  const auto settings = request->front.settings();
  RowWriter rows(request->columns, request->formats);
  for (const DatabaseFacts& facts : database_facts(request->front))
    database_row(rows, *request, *settings, facts);
  done(std::string(as_text(rows.bytes())));
}

void users(const ShowRequestPtr& request, ShowDone done) {
  const auto settings = request->front.settings();
  RowWriter rows(request->columns, request->formats);
  for (const QuotaFacts& facts : user_facts(request->front)) {
    const auto at = settings->users.find(facts.name);
    const config::PoolOverride own = at == settings->users.end() ? config::PoolOverride() : at->second.pool;
    rows.text(facts.name);
    rows.text_or_null(own.pool_size ? std::to_string(*own.pool_size) : std::string());
    rows.text_or_null(own.reserve_size ? std::to_string(*own.reserve_size) : std::string());
    mode_or_null(rows, own.pool_mode);
    rows.number(facts.most_backends).number(facts.backends).number(facts.most_clients).number(facts.clients);
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
