#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"

namespace forebay::advise {

namespace {

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  for (const auto& facts : evidence.now().servers) {
    const route::Server& server = facts.server;
    if (!facts.is_watched || facts.is_primary || server.state != route::State::lagging) continue;
    const std::string behind =
        facts.lag_ms ? milliseconds(static_cast<double>(*facts.lag_ms)) : std::string("an unknown time");
    all.push_back({.id = id_of(kReplicaLagging.name, server.name),
                   .urgency = Urgency::soon,
                   .title = fmt::format("Find out what holds replica {} back", server.name),
                   .evidence = fmt::format("It is {} behind the primary and answers no reads{}{}.", behind,
                                           server.reason.empty() ? "" : ": ", server.reason),
                   .advice = "Look for long queries, a lock or full disks there; or allow more with "
                             "routing.max_lag.",
                   .subject = {{"server", server.name}},
                   .area = "pools"});
  }
  return all;
}

}  // namespace

constinit const Kind kReplicaLagging = {.name = "replica-lagging", .find = find};

}  // namespace forebay::advise
