// A cache that is silent, or that cannot prove how fresh it is.

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"

namespace forebay::advise {

namespace {

/// Fewer statements a second are hardly worth a change on the server.
constexpr double kLeastRate = 1;

/// A replication slot waits for older transactions, a server is being restarted: such things pass.
constexpr std::chrono::minutes kLasting{1};

/// What helps against a trouble in whose words a sign is found (stream_session.cpp, stream_connection.cpp).
struct Remedy {
  std::string_view sign;
  std::string_view advice;
  std::string_view change;
};
constexpr std::array<Remedy, 4> kRemedies{{
    {"wal_level", "On the server, with a restart of it.", "ALTER SYSTEM SET wal_level = logical;"},
    {"max_replication_slots",
     "Drop slots that nobody reads (pg_replication_slots), or raise max_replication_slots, with a restart of "
     "the server.",
     ""},
    {"REPLICATION", "Give that attribute to the upstream's user (ALTER ROLE … REPLICATION).", ""},
    {"transactions that were running",
     "Look for the oldest transaction of the whole server (pg_stat_activity, pg_prepared_xacts), and end it.",
     ""},
}};
constexpr Remedy kElse{"", "See to what is said to keep it from that.", ""};

const Remedy& remedy_for(std::string_view trouble) {
  const auto found = std::ranges::find_if(
      kRemedies, [trouble](const Remedy& each) { return trouble.find(each.sign) != trouble.npos; });
  return found == kRemedies.end() ? kElse : *found;
}

double asked(const pgfront::CacheFacts& cache) {
  return static_cast<double>(cache.hits + cache.misses + cache.refused);
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  if (evidence.seconds() < kLeastSeconds) return all;
  for (const auto& cache : evidence.now().caches) {
    const bool is_silent = cache.level == cache::Level::none;
    // One that is bounded runs; what it notes is on the page of the cache.
    if (cache.level == cache::Level::bounded || (!is_silent && cache.trouble.empty())) continue;
    const double rate = queries_beside(evidence, cache) / evidence.seconds();
    if (rate < kLeastRate) continue;
    const Remedy& remedy = remedy_for(cache.trouble);
    const std::string why = cache.trouble.empty() ? "" : ": " + cache.trouble;
    all.push_back(
        {.id = id_of(kCacheLevel.name, cache.database + " on " + cache.server),
         .urgency = Urgency::soon,
         .title =
             fmt::format("Let the cache of {} {}", cache.database, is_silent ? "run" : "prove its freshness"),
         .evidence = fmt::format("{}{}. {} queries a second were asked {}.",
                                 is_silent ? std::string("Nothing is answered from memory")
                                           : fmt::format("It runs at the level {}", name_of(cache.level)),
                                 why, count(rate), evidence.period()),
         .advice = fmt::format("{} Or, without a stream of changes: forebay outbox install.", remedy.advice),
         .change = {Form::sql, std::string(remedy.change)},
         .subject = {{"database", cache.database}, {"server", cache.server}},
         .area = "cache"});
  }
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  const auto& database = about.subject.at("database");
  const auto& server = about.subject.at("server");
  const auto* now = find_cache(evidence.now(), database, server);
  const auto* before = find_cache(evidence.before(), database, server);
  if (now == nullptr || before == nullptr) return std::nullopt;
  const auto hits = static_cast<double>(now->hits - before->hits);
  const double all = std::max({asked(*now) - asked(*before), hits, queries_beside(evidence, *now)});
  return Measure{.amount = hits, .weight = all, .traffic = all, .setting = std::string(name_of(now->level))};
}

}  // namespace

constinit const Kind kCacheLevel = {.name = "cache-level",
                                    .find = find,
                                    .settles = kLasting,
                                    .figure = "answers from memory",
                                    .unit = Unit::share,
                                    .measure = measure};

}  // namespace forebay::advise
