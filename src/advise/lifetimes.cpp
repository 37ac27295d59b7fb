// At the level ttl only what somebody has given a lifetime is kept, and nobody has.

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/words.hpp"
#include "config/yaml_writer.hpp"
#include "sql/read_shape.hpp"

namespace forebay::advise {

namespace {

constexpr std::size_t kMostStatements = 20;
constexpr std::size_t kMostRelations = 5;

bool has_lifetimes(const config::Settings& settings) {
  return std::ranges::any_of(settings.policies,
                             [](const auto& policy) { return policy.second.lifetime.has_value(); });
}

struct Reads {
  double seconds = 0;
  double calls = 0;
  std::set<std::string> relations;
};

/// The dearest that a lifetime would allow to be kept.
Reads reads_of(const Evidence& evidence, const pgfront::CacheFacts& cache) {
  Reads reads;
  std::size_t looked_at = 0;
  for (const StatementCount& statement : evidence.now().statements) {
    const bool is_its =
        std::ranges::find(cache.client_databases, statement.database) != cache.client_databases.end();
    if (!is_its || !statement.refusal.empty()) continue;
    if (++looked_at > kMostStatements) break;
    const sql::ReadShape shape = sql::read_shape(*statement.text);
    if (!shape.refusal.empty() || shape.relations.empty()) continue;
    const StatementGrowth growth = grown(evidence, statement);
    if (growth.calls == 0) continue;
    reads.seconds += growth.seconds;
    reads.calls += growth.calls;
    for (const std::string& relation : shape.relations) {
      if (reads.relations.size() < kMostRelations) reads.relations.insert(relation);
    }
  }
  return reads;
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  const Moment& now = evidence.now();
  if (evidence.seconds() < kLeastSeconds || has_lifetimes(*now.settings)) return all;
  for (const auto& cache : now.caches) {
    const auto* before = find_cache(evidence.before(), cache.database, cache.server);
    // Comments of statements may ask for a lifetime, too.
    if (cache.level != cache::Level::ttl || before == nullptr || cache.fills > before->fills) continue;
    const Reads reads = reads_of(evidence, cache);
    const double per_hour = reads.seconds / evidence.seconds() * 3600;
    if (per_hour < kLeastServerSecondsPerHour) continue;
    std::string relations;
    for (const std::string& relation : reads.relations)
      relations += (relations.empty() ? "" : ", ") + config::yaml_text(relation);
    all.push_back(
        {.id = id_of(kLifetimes.name, cache.database + " on " + cache.server),
         .urgency = Urgency::consider,
         .title = fmt::format("Say how long results of {} may be kept", cache.database),
         .evidence =
             fmt::format("At the level ttl only what has a lifetime is kept: nothing is. {} of the dearest "
                         "reads took {} of servers' time {}.",
                         some(reads.calls, "call", "calls"), duration(reads.seconds), evidence.period()),
         .advice = "As long as an answer from these relations may be out of date.",
         .change = {Form::yaml, fmt::format("policies:\n  {}:\n    relations: [{}]\n    lifetime: 5s",
                                            config::yaml_text(cache.database + "-reads"), relations)},
         .gain = {per_hour, Unit::server_seconds_per_hour,
                  "at most " + text_of(per_hour, Unit::server_seconds_per_hour)},
         .subject = {{"database", cache.database}, {"server", cache.server}},
         .area = "cache"});
  }
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  const auto& database = about.subject.at("database");
  const auto* now = find_cache(evidence.now(), database, about.subject.at("server"));
  const auto* before = find_cache(evidence.before(), database, about.subject.at("server"));
  if (now == nullptr || before == nullptr) return std::nullopt;
  const auto hits = static_cast<double>(now->hits - before->hits);
  // Hits are among the queries; one query may be answered by several.
  const double asked = std::max(hits, queries_beside(evidence, *now));
  return Measure{.amount = hits,
                 .weight = asked,
                 .traffic = asked,
                 .setting = has_lifetimes(*evidence.now().settings) ? "given" : "none"};
}

}  // namespace

constinit const Kind kLifetimes = {.name = "lifetimes",
                                   .find = find,
                                   .figure = "answers from memory",
                                   .unit = Unit::share,
                                   .measure = measure};

}  // namespace forebay::advise
