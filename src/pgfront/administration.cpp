#include "pgfront/administration.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/nearest.hpp"
#include "config/problem.hpp"
#include "engine/directives.hpp"
#include "engine/policies.hpp"

namespace forebay::pgfront {

std::optional<NoDatabase> check_database(const Front& front, const std::string& name) {
  const auto settings = front.settings();
  const auto& databases = settings->databases;
  if (!name.empty() && (databases.empty() || databases.contains("*") || databases.contains(name)))
    return std::nullopt;
  std::vector<std::string> known;
  for (const auto& [known_name, entry] : databases) known.push_back(known_name);
  const auto near = config::nearest(name, known);
  return NoDatabase{fmt::format("there is no database {}", config::in_quotes(name)),
                    near ? fmt::format("Did you mean {}?", *near) : ""};
}

void pause(Front& front, const std::string& database) {
  front.directory().pause(database);
  for (const auto& pool : front.directory().of_database(database)) pool->reconnect();
}

std::size_t open_backends(Front& front, const std::string& database) {
  std::size_t open = 0;
  for (const auto& pool : front.directory().of_database(database)) open += pool->open_backends();
  return open;
}

Resumed resume(Front& front, const std::string& database) {
  auto& directory = front.directory();
  if (directory.resume(database)) return Resumed::yes;
  return directory.is_paused(database) ? Resumed::paused_with_all : Resumed::not_paused;
}

std::size_t clear_cache(Front& front, const std::string& relation) {
  if (relation.empty()) return front.caches().store().clear();
  const auto is_meant = [&](const cache::Dependency& on) {
    return engine::is_called(*on.relation, relation);
  };
  return front.caches().store().clear(
      [&](const cache::Entry& entry) { return std::ranges::any_of(entry.dependencies(), is_meant); });
}

std::size_t clear_cache_of_tag(Front& front, const std::string& pattern) {
  return front.caches().store().clear(
      [&pattern](const cache::Entry& entry) { return engine::any_tag_matches(pattern, entry.tags()); });
}

}  // namespace forebay::pgfront
