#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"

namespace forebay::advise {

namespace {

/// Of the primary readiness tells, and where nobody answers, of that; of who has not answered yet nobody can.
std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const bool do_others_answer = std::ranges::any_of(evidence.now().servers, [](const auto& facts) {
    return facts.is_watched && facts.server.state == route::State::up;
  });
  if (!do_others_answer) return all;
  for (const auto& facts : evidence.now().servers) {
    const route::Server& server = facts.server;
    const bool is_away = server.state == route::State::down || server.state == route::State::refused;
    if (!facts.is_watched || facts.is_primary || !is_away) continue;
    all.push_back(
        {.id = id_of(kServerAway.name, server.name),
         .urgency = Urgency::soon,
         .title = fmt::format("Bring {} back", server.name),
         .evidence = fmt::format("It is {}{}{}. Others answer in its place.", route::to_text(server.state),
                                 server.reason.empty() ? "" : ": ", server.reason),
         .advice = "Start it, or take it out of replicas. Reads return to it by themselves.",
         .subject = {{"server", server.name}},
         .area = "pools"});
  }
  return all;
}

}  // namespace

constinit const Kind kServerAway = {.name = "server-away", .find = find};

}  // namespace forebay::advise
