// A dear read whose results are not kept, because of something in it.

#include <algorithm>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "sql/read_shape.hpp"

namespace forebay::advise {

namespace {

/// What is asked less often is hardly asked the same again within the life of an entry.
constexpr double kLeastCallsPerSecond = 1;
constexpr std::size_t kLongestTitle = 80;
constexpr std::size_t kMost = 5;

std::string object_of(const StatementCount& statement) {
  return fmt::format("{:016x}{:016x}@{}", statement.fingerprint.high, statement.fingerprint.low,
                     statement.database);
}

/// Nothing but what it calls or reads forbids it: what locks, writes or asks the catalog is meant to.
bool is_plain_read(const std::string& text) {
  const sql::ReadShape shape = sql::read_shape(text);
  return shape.refusal.empty() && !shape.relations.empty();
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  if (evidence.seconds() < kLeastSeconds) return all;
  for (const StatementCount& statement : evidence.now().statements) {
    if (statement.refusal.empty()) continue;
    const StatementGrowth growth = grown(evidence, statement);
    const double per_hour = growth.seconds / evidence.seconds() * 3600;
    if (per_hour < kLeastServerSecondsPerHour || growth.calls < kLeastCallsPerSecond * evidence.seconds())
      continue;
    if (!is_plain_read(*statement.text)) continue;
    Recommendation& made = all.emplace_back();
    made.id = id_of(kCacheStatement.name, object_of(statement));
    made.title = "Make this fit to be kept in memory: " + shortened(*statement.text, kLongestTitle);
    made.evidence =
        fmt::format("Its results are not kept: {}. {} of it took {} of servers' time {}.", statement.refusal,
                    some(growth.calls, "call", "calls"), duration(growth.seconds), evidence.period());
    made.advice =
        "If the same is asked again: move what forbids it into the application. Before any such "
        "statement this tells the reason:";
    made.change = {Form::sql, "EXPLAIN (FOREBAY) " + *statement.text + ";"};
    made.gain = {per_hour, Unit::server_seconds_per_hour,
                 "at most " + text_of(per_hour, Unit::server_seconds_per_hour)};
    made.subject = {{"database", std::string(statement.database)}, {"statement", *statement.text}};
    made.area = "statements";
  }
  std::ranges::stable_sort(all, std::greater(), [](const Recommendation& each) { return each.gain.value; });
  if (all.size() > kMost) all.resize(kMost);
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  for (const StatementCount& statement : evidence.now().statements) {
    if (about.id != id_of(kCacheStatement.name, object_of(statement))) continue;
    const StatementGrowth growth = grown(evidence, statement);
    return Measure{.amount = growth.seconds * 1000,
                   .weight = growth.calls,
                   .traffic = growth.calls,
                   .setting = statement.refusal};
  }
  return std::nullopt;
}

}  // namespace

constinit const Kind kCacheStatement = {.name = "cache-statement",
                                        .find = find,
                                        .figure = "servers' time for each call",
                                        .unit = Unit::milliseconds,
                                        .measure = measure};

}  // namespace forebay::advise
