// A cache that is full and has to let go what is asked for again.

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "config/values.hpp"

namespace forebay::advise {

namespace {

constexpr double kFull = 0.9;
constexpr double kLowHitRate = 0.5;
/// Below so many look-ups in a second a hit rate says little.
constexpr double kLeastLookups = 1;

struct Lookups {
  double hits = 0;
  double all = 0;
};

Lookups lookups(const Evidence& evidence) {
  Lookups sum;
  for (const auto& cache : evidence.now().caches) {
    const auto* before = find_cache(evidence.before(), cache.database, cache.server);
    if (before == nullptr) continue;
    const auto hits = static_cast<double>(cache.hits - before->hits);
    sum.hits += hits;
    sum.all += hits + static_cast<double>(cache.misses - before->misses);
  }
  return sum;
}

std::vector<Recommendation> find(const Evidence& evidence) {
  if (evidence.seconds() < kLeastSeconds) return {};
  const Moment& now = evidence.now();
  const Lookups looked = lookups(evidence);
  const auto gone = static_cast<double>(now.evictions - evidence.before().evictions);
  const bool is_full = static_cast<double>(now.store_bytes) > kFull * static_cast<double>(now.store_capacity);
  if (!is_full || gone == 0 || looked.all < kLeastLookups * evidence.seconds()) return {};
  if (looked.hits >= kLowHitRate * looked.all) return {};
  const config::ByteSize twice{now.store_capacity * 2};
  return {
      {.id = id_of(kCacheMemory.name, "all"),
       .urgency = Urgency::consider,
       .title = "Give the cache more memory",
       .evidence = fmt::format("It is full ({}), let {} go {}, and answered {} of {} look-ups.",
                               bytes(static_cast<double>(now.store_bytes)), some(gone, "entry", "entries"),
                               evidence.period(), percent(looked.hits / looked.all), count(looked.all)),
       .advice = "As far as the machine has memory. What it gains is seen afterwards.",
       .change = {Form::yaml, "cache:\n  size: " + config::to_text(twice)},
       .area = "cache"}};
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation&) {
  const Lookups looked = lookups(evidence);
  return Measure{.amount = looked.hits,
                 .weight = looked.all,
                 .traffic = looked.all,
                 .setting = std::to_string(evidence.now().store_capacity)};
}

}  // namespace

constinit const Kind kCacheMemory = {.name = "cache-memory",
                                     .find = find,
                                     .figure = "answers from memory",
                                     .unit = Unit::share,
                                     .measure = measure};

}  // namespace forebay::advise
