// Clients that keep a transaction open and do nothing in it, and no limit to that.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"

namespace forebay::advise {

namespace {

/// Longer than any application thinks within a transaction that is meant to be short.
constexpr std::uint64_t kLongMs = 60'000;

bool has_limit(const config::Settings& settings, const pgfront::PoolFacts& pool) {
  const auto user = settings.users.find(pool.user);
  const auto* database = config::database_entry(settings, pool.database);
  Duration limit = settings.timeouts.idle_in_transaction;
  if (database != nullptr) limit = database->pool.idle_in_transaction.value_or(limit);
  if (user != settings.users.end()) limit = user->second.pool.idle_in_transaction.value_or(limit);
  return limit.count() > 0;
}

std::string name(const pgfront::PoolFacts& pool) {
  return pool.user + '@' + pool.database;
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  for (const auto& pool : evidence.now().pools) {
    if (pool.is_for_reads || pool.longest_idle_ms < kLongMs || has_limit(*evidence.now().settings, pool))
      continue;
    const double seconds = static_cast<double>(pool.longest_idle_ms) / 1e3;
    all.push_back(
        {.id = id_of(kIdleTransactions.name, name(pool)),
         .urgency = Urgency::soon,
         .title = fmt::format("Limit how long {} may be idle in a transaction", name(pool)),
         .evidence = fmt::format(
             "A client has done nothing in its transaction for {}: it keeps a backend, its locks, "
             "and dead rows from being removed. There is no limit.",
             duration(seconds)),
         .advice =
             "The server ends such a transaction then, with an error for its client. For sessions that begin "
             "after a reload.",
         .change = {Form::yaml, "timeouts:\n  idle_in_transaction: 1min"},
         .gain = {.text = "backends, locks and dead rows that nobody waits for"},
         .subject = {{"database", pool.database}, {"user", pool.user}},
         .area = "pools"});
  }
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  for (const auto& pool : evidence.now().pools) {
    if (pool.is_for_reads || about.id != id_of(kIdleTransactions.name, name(pool))) continue;
    return Measure{.amount = static_cast<double>(pool.longest_idle_ms) / 1e3,
                   .weight = 1,
                   .setting = has_limit(*evidence.now().settings, pool) ? "limited" : "none"};
  }
  return std::nullopt;
}

}  // namespace

constinit const Kind kIdleTransactions = {.name = "idle-transactions",
                                          .find = find,
                                          .figure = "longest time idle in a transaction",
                                          .unit = Unit::seconds,
                                          .measure = measure};

}  // namespace forebay::advise
