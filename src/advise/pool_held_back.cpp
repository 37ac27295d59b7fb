// Clients wait for a pool that is not full.

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/pool_waits.hpp"
#include "advise/words.hpp"

namespace forebay::advise {

namespace {

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  if (evidence.seconds() < kLeastSeconds) return all;
  for (const auto& pool : evidence.now().pools) {
    const PoolWaits waits = waits_of(evidence, pool);
    // A backend that is just being opened is no limit.
    if (pool.is_paused || !waits.is_waiting_now || waits.full > 0 || pool.login > 0) continue;
    all.push_back({.id = id_of(kPoolHeldBack.name, name_of(pool)),
                   .urgency = Urgency::now,
                   .title = fmt::format("Find out what keeps the pool of {} from growing", name_of(pool)),
                   .evidence = fmt::format("{}, the first for {}; {} of {} backends are in use.",
                                           some(static_cast<double>(pool.waiting),
                                                "client waits for a backend", "clients wait for a backend"),
                                           milliseconds(static_cast<double>(pool.longest_wait_ms)),
                                           pool.in_use(), pool.most_backends),
                   .advice = "A limit of the user or the database, or the server's max_connections, may be "
                             "reached; the log says why a backend could not be opened.",
                   .subject = {{"database", pool.database}, {"user", pool.user}, {"server", pool.server}},
                   .area = "pools"});
  }
  return all;
}

}  // namespace

constinit const Kind kPoolHeldBack = {.name = "pool-held-back", .find = find};

}  // namespace forebay::advise
