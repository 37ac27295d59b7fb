#pragma once

#include <string>

#include "advise/evidence.hpp"

namespace forebay::advise {

/// What waiting for the backends of a pool came to.
struct PoolWaits {
  double waiting = 0;           ///< clients that waited, on average
  double mean_ms = 0;           ///< of a checkout
  double share = 0;             ///< of the time that clients waited for a backend or a query
  double checkouts = 0;         ///< in all
  double full = 0;              ///< share of the looks at which no further backend could be had from the pool
  bool is_waiting_now = false;  ///< for longer than a person would notice
};
PoolWaits waits_of(const Evidence& evidence, const pgfront::PoolFacts& pool);

/// Whether this calls for something to be done.
bool are_felt(const PoolWaits& waits);
/// "user@database", and " on server" for one that is for reads only.
std::string name_of(const pgfront::PoolFacts& pool);

}  // namespace forebay::advise
