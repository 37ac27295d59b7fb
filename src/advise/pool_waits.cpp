#include "advise/pool_waits.hpp"

#include <algorithm>

namespace forebay::advise {

namespace {

/// A wait that a person would notice.
constexpr std::uint64_t kLongWaitMs = 100;
/// Waiting for a backend takes this share of the time that clients wait: more backends would be felt.
constexpr double kWaitShare = 0.1;
/// Shorter ones are what it takes to pass a backend on.
constexpr double kLeastWaitMs = 1;
/// Of fewer checkouts a mean says little.
constexpr double kLeastCheckouts = 20;

bool is_same(const pgfront::PoolFacts& one, const pgfront::PoolFacts& other) {
  return one.user == other.user && one.database == other.database && one.server == other.server &&
         one.is_for_reads == other.is_for_reads;
}

bool is_full(const pgfront::PoolFacts& pool) {
  return pool.most_backends > 0 && pool.in_use() >= pool.most_backends;
}

}  // namespace

PoolWaits waits_of(const Evidence& evidence, const pgfront::PoolFacts& pool) {
  const backend::Traffic traffic = carried(evidence, pool);
  const auto wait = static_cast<double>(traffic.wait_micros);
  const auto query = static_cast<double>(traffic.query_micros);
  PoolWaits waits{.checkouts = static_cast<double>(traffic.checkouts()),
                  .is_waiting_now = pool.waiting > 0 && pool.longest_wait_ms >= kLongWaitMs};
  if (evidence.seconds() > 0) waits.waiting = wait / 1e6 / evidence.seconds();
  if (traffic.checkouts() > 0) waits.mean_ms = wait / 1e3 / waits.checkouts;
  if (wait + query > 0) waits.share = wait / (wait + query);
  double looks = 0;
  for (const MomentPtr& moment : evidence.moments()) {
    const auto at =
        std::ranges::find_if(moment->pools, [&](const auto& each) { return is_same(each, pool); });
    if (at == moment->pools.end() || at->waiting == 0) continue;
    looks += 1;
    waits.full += is_full(*at) ? 1 : 0;
  }
  if (looks > 0) waits.full /= looks;
  return waits;
}

bool are_felt(const PoolWaits& waits) {
  return waits.is_waiting_now ||
         (waits.checkouts >= kLeastCheckouts && waits.mean_ms >= kLeastWaitMs && waits.share >= kWaitShare);
}

std::string name_of(const pgfront::PoolFacts& pool) {
  return pool.user + '@' + pool.database + (pool.is_for_reads ? " on " + pool.server : "");
}

}  // namespace forebay::advise
