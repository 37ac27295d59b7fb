#include <map>

#include "pgfront/facts.hpp"

namespace forebay::pgfront {

namespace {

/// What the pools of one database, or of one user, have together.
template <class Facts>
std::map<std::string, Facts> by_name(Front& front, const std::string& (backend::Pool::*name)() const) {
  std::map<std::string, Facts> all;
  for (const auto& pool : front.directory().all()) {
    Facts& facts = all[(*pool.*name)()];
    facts.backends += pool->open_backends();
    facts.clients += pool->clients();
  }
  return all;
}

template <class Facts>
std::vector<Facts> named(std::map<std::string, Facts> all) {
  std::vector<Facts> list;
  for (auto& [name, facts] : all) {
    facts.name = name;
    list.push_back(std::move(facts));
  }
  return list;
}

}  // namespace

std::vector<DatabaseFacts> database_facts(Front& front) {
  const auto settings = front.settings();
  auto& directory = front.directory();
  auto all = by_name<DatabaseFacts>(front, &backend::Pool::database);
  for (const auto& [name, entry] : settings->databases) {
    if (name != "*") all.try_emplace(name);
  }
  for (const std::string& name : directory.restricted_databases()) all.try_emplace(name);
  const config::PoolOverride none;
  for (auto& [name, facts] : all) {
    const config::Database* entry = config::database_entry(*settings, name);
    const config::PoolOverride& own = entry == nullptr ? none : entry->pool;
    facts.most_backends = own.max_backends.value_or(settings->limits.max_backends_per_database);
    facts.most_clients = own.max_clients.value_or(settings->limits.max_clients_per_database);
    facts.is_paused = directory.is_paused(name);
    facts.is_disabled = directory.is_disabled(name);
  }
  return named(std::move(all));
}

std::vector<QuotaFacts> user_facts(Front& front) {
  const auto settings = front.settings();
  auto all = by_name<QuotaFacts>(front, &backend::Pool::user);
  for (const auto& [name, entry] : settings->users) all.try_emplace(name);
  const config::PoolOverride none;
  for (auto& [name, facts] : all) {
    const auto at = settings->users.find(name);
    const config::PoolOverride& own = at == settings->users.end() ? none : at->second.pool;
    facts.most_backends = own.max_backends.value_or(settings->limits.max_backends_per_user);
    facts.most_clients = own.max_clients.value_or(settings->limits.max_clients_per_user);
  }
  return named(std::move(all));
}

}  // namespace forebay::pgfront
