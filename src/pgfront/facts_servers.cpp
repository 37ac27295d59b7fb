#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "pgfront/facts.hpp"

namespace forebay::pgfront {

namespace {

std::optional<std::uint64_t> lag_of(const route::Topology& topology, const route::Server& server) {
  if (server.role != route::Role::replica || server.covered == TimePoint()) return std::nullopt;
  const auto lag = std::chrono::duration_cast<Duration>(topology.primary_seen - server.covered).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(lag, 0));
}

}  // namespace

std::string position_text(route::Position position) {
  return fmt::format("{:X}/{:X}", position >> 32U, position & 0xFFFFFFFFU);
}

std::vector<ServerFacts> server_facts(Front& front) {
  const auto& directory = front.directory();
  const auto topology = directory.board().topology();
  auto uses = directory.use_by_server();
  const auto histories = directory.history_by_server();
  std::vector<ServerFacts> all;
  const auto add = [&](ServerFacts facts) {
    const backend::ServerUse use = std::exchange(uses[facts.server.name], {});
    facts.backends = use.backends;
    facts.assignments = use.assignments;
    if (const auto at = histories.find(facts.server.name); at != histories.end()) facts.history = at->second;
    uses.erase(facts.server.name);
    all.push_back(std::move(facts));
  };
  for (std::size_t at = 0; at < topology->servers.size(); ++at) {
    const route::Server& server = topology->servers[at];
    add({.server = server,
         .is_watched = true,
         .is_primary = topology->primary == at,
         .lag_ms = lag_of(*topology, server)});
  }
  while (!uses.empty()) add({.server = {.name = uses.begin()->first}});
  return all;
}

}  // namespace forebay::pgfront
