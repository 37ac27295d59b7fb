// An index that plans of slow statements want.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"

namespace forebay::advise {

namespace {

/// A tenth of a processor.
constexpr double kMuchPerHour = 360;
constexpr std::size_t kLongestTitle = 80;
constexpr std::size_t kMost = 5;

/// One index, and what the statements that want it have come to.
struct Wanted {
  const monitor::MissingIndex* index = nullptr;  ///< as the dearest of them tells it
  const StatementCount* dearest = nullptr;
  double most_seconds = 0;  ///< of that one
  double seconds = 0;
  double calls = 0;
  int statements = 0;
};

std::string object_of(const monitor::MissingIndex& index) {
  return fmt::format("{}@{}", index.suggestion, index.database);
}

/// By what they are called in an id, so that statements that want the same stand together.
std::map<std::string, Wanted> wanted(const Evidence& evidence) {
  std::map<std::string, Wanted> all;
  for (const monitor::MissingIndex& index : evidence.now().missing_indexes) {
    const auto* statement = find_statement(evidence.now(), index.fingerprint, index.database);
    if (statement == nullptr) continue;
    const StatementGrowth growth = grown(evidence, *statement);
    Wanted& sum = all[object_of(index)];
    sum.seconds += growth.seconds;
    sum.calls += growth.calls - growth.hits;
    ++sum.statements;
    if (sum.dearest != nullptr && growth.seconds <= sum.most_seconds) continue;
    sum.index = &index;
    sum.dearest = statement;
    sum.most_seconds = growth.seconds;
  }
  return all;
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  if (evidence.seconds() < kLeastSeconds) return all;
  for (const auto& [object, sum] : wanted(evidence)) {
    const double per_hour = sum.seconds / evidence.seconds() * 3600;
    if (per_hour < kLeastServerSecondsPerHour) continue;
    const std::string others = sum.statements == 1
                                   ? std::string("it")
                                   : fmt::format("the {} statements that want this", sum.statements);
    all.push_back(
        {.id = id_of(kMissingIndex.name, object),
         .urgency = per_hour >= kMuchPerHour ? Urgency::soon : Urgency::consider,
         .title = "Make an index for " + shortened(*sum.dearest->text, kLongestTitle),
         .evidence = fmt::format("By its plan {}: {}. {} of {} took {} of servers' time {}.", sum.index->text,
                                 sum.index->evidence, some(sum.calls, "call", "calls"), others,
                                 duration(sum.seconds), evidence.period()),
         .advice = "It takes room, and some time of each write to the table. Made in this way it holds up "
                   "nobody; it cannot be done within a transaction.",
         .change = {Form::sql, sum.index->suggestion},
         .gain = {per_hour, Unit::server_seconds_per_hour,
                  "at most " + text_of(per_hour, Unit::server_seconds_per_hour)},
         .subject = {{"database", std::string(sum.dearest->database)}, {"statement", *sum.dearest->text}},
         .area = "statements"});
  }
  std::ranges::stable_sort(all, std::greater(), [](const Recommendation& each) { return each.gain.value; });
  if (all.size() > kMost) all.resize(kMost);
  return all;
}

/// Of the statement that took most time when it was found, whether its plan still wants the index or not.
std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  for (const StatementCount& statement : evidence.now().statements) {
    if (statement.database != about.subject.at("database") ||
        *statement.text != about.subject.at("statement"))
      continue;
    const StatementGrowth growth = grown(evidence, statement);
    const double by_servers = growth.calls - growth.hits;
    return Measure{.amount = growth.seconds * 1000, .weight = by_servers, .traffic = growth.calls};
  }
  return std::nullopt;
}

}  // namespace

constinit const Kind kMissingIndex = {.name = "missing-index",
                                      .find = find,
                                      .figure = "servers' time for each call",
                                      .unit = Unit::milliseconds,
                                      .measure = measure};

}  // namespace forebay::advise
