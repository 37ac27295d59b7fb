// The cache is off, while reads that it could answer keep servers busy.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "sql/read_shape.hpp"

namespace forebay::advise {

namespace {

/// The dearest are looked at: to judge a text takes tens of microseconds.
constexpr std::size_t kMostStatements = 20;
/// Of calls with the same text: a statement that runs a few times a minute is hardly asked the same again.
constexpr double kLeastCallsPerSecond = 1;

std::vector<Recommendation> find(const Evidence& evidence) {
  const Moment& now = evidence.now();
  if (now.settings->cache.enabled != config::CacheUse::off || evidence.seconds() < kLeastSeconds) return {};
  double seconds = 0;
  double calls = 0;
  std::size_t looked_at = 0;
  for (const StatementCount& statement : now.statements) {
    if (++looked_at > kMostStatements) break;
    const StatementGrowth growth = grown(evidence, statement);
    if (growth.calls < kLeastCallsPerSecond * evidence.seconds()) continue;
    const sql::ReadShape shape = sql::read_shape(*statement.text);
    if (!shape.refusal.empty() || shape.relations.empty()) continue;
    seconds += growth.seconds;
    calls += growth.calls;
  }
  const double per_hour = seconds / evidence.seconds() * 3600;
  if (per_hour < kLeastServerSecondsPerHour) return {};
  return {
      {.id = id_of(kCacheOff.name, "all"),
       .urgency = Urgency::consider,
       .title = "Answer repeated reads from memory",
       .evidence =
           fmt::format("cache.enabled is off: servers answered {} reads that could be kept, which took {} "
                       "of their time {}. How many of them asked for the same again is only known with "
                       "a cache.",
                       count(calls), duration(seconds), evidence.period()),
       .advice = "It takes a restart. With wal_level = logical answers are never staler than a stated bound.",
       .change = {Form::yaml, "cache:\n  enabled: auto"},
       .gain = {per_hour, Unit::server_seconds_per_hour,
                fmt::format("at most {}", text_of(per_hour, Unit::server_seconds_per_hour))},
       .area = "cache"}};
}

}  // namespace

constinit const Kind kCacheOff = {.name = "cache-off", .find = find};

}  // namespace forebay::advise
