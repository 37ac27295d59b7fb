#include "advise/evidence.hpp"

#include <algorithm>

#include "advise/words.hpp"

namespace forebay::advise {

namespace {

double seconds(std::uint64_t micros) {
  return static_cast<double>(micros) / 1e6;
}

}  // namespace

std::string period_of(double seconds) {
  return "in the last " + duration(seconds);
}

std::string Evidence::period() const {
  return period_of(seconds());
}

backend::Traffic carried(const Evidence& evidence, const pgfront::PoolFacts& pool) {
  const auto& pools = evidence.before().pools;
  const auto at = std::ranges::find_if(pools, [&](const pgfront::PoolFacts& each) {
    return each.user == pool.user && each.database == pool.database &&
           each.is_for_reads == pool.is_for_reads && (!pool.is_for_reads || each.server == pool.server);
  });
  return at == pools.end() ? pool.traffic : pool.traffic.since(at->traffic);
}

backend::Traffic carried(const Evidence& evidence, const std::string& database) {
  const auto now = evidence.now().traffic.find(database);
  const auto before = evidence.before().traffic.find(database);
  if (now == evidence.now().traffic.end()) return {};
  return before == evidence.before().traffic.end() ? now->second : now->second.since(before->second);
}

/// While a cache has no level nothing is counted there, and what its databases are asked is all there is.
double queries_beside(const Evidence& evidence, const pgfront::CacheFacts& cache) {
  double queries = 0;
  for (const std::string& database : cache.client_databases)
    queries += static_cast<double>(carried(evidence, database).queries);
  return queries;
}

StatementGrowth grown(const Evidence& evidence, const StatementCount& statement) {
  const StatementCount* before = find_statement(evidence.before(), statement.fingerprint, statement.database);
  const auto growth =
      engine::grown(statement.figures, before == nullptr ? nullptr : &before->figures, evidence.before().at);
  return {.calls = static_cast<double>(growth.calls),
          .hits = static_cast<double>(growth.hits),
          .seconds = seconds(growth.exec_micros)};
}

RepetitionGrowth grown(const Evidence& evidence, const engine::Repetition& repetition) {
  const auto& all = evidence.before().repetitions;
  const auto at = std::ranges::find_if(all, [&](const engine::Repetition& each) {
    return each.fingerprint == repetition.fingerprint && each.database == repetition.database &&
           each.kind == repetition.kind;
  });
  // As with statements: a thread whose table was full may have let its share go.
  const auto& now = repetition.figures;
  const bool goes_on = at != all.end() && now.windows >= at->figures.windows &&
                       now.executions >= at->figures.executions && now.micros >= at->figures.micros;
  if (!goes_on && now.first_seen < evidence.before().at) return {};
  const auto then = goes_on ? at->figures : engine::RepetitionFigures();
  return {.windows = static_cast<double>(now.windows - then.windows),
          .executions = static_cast<double>(now.executions - then.executions),
          .seconds = seconds(now.micros - then.micros)};
}

const StatementCount* find_statement(const Moment& moment, const sql::Fingerprint& fingerprint,
                                     std::string_view database) {
  const auto at = std::ranges::find_if(moment.statements, [&](const StatementCount& each) {
    return each.fingerprint == fingerprint && each.database == database;
  });
  return at == moment.statements.end() ? nullptr : &*at;
}

const pgfront::CacheFacts* find_cache(const Moment& moment, std::string_view database,
                                      std::string_view server) {
  const auto at = std::ranges::find_if(moment.caches, [&](const pgfront::CacheFacts& each) {
    return each.database == database && each.server == server;
  });
  return at == moment.caches.end() ? nullptr : &*at;
}

const monitor::Place* place_of_server(const Moment& moment, std::string_view server) {
  if (moment.samples == nullptr) return nullptr;
  const auto& places = moment.samples->places;
  const auto at = std::ranges::find_if(places, [&](const monitor::Place& place) {
    return place.is_of_server && place.is_answering && place.server == server;
  });
  return at == places.end() ? nullptr : &*at;
}

std::optional<ToldBetween> told_between(const Evidence& evidence, const monitor::Place& place,
                                        monitor::Topic topic) {
  if (place.current(topic, evidence.now().at) == nullptr) return std::nullopt;
  const auto& last = place.of(topic).latest;
  for (const MomentPtr& moment : evidence.moments()) {
    const monitor::Place* then = place_of_server(*moment, place.server);
    const auto first = then == nullptr ? nullptr : then->of(topic).latest;
    if (first == nullptr) continue;
    if (first->at >= last->at) return std::nullopt;
    return ToldBetween{&first->told, &last->told, seconds_between(first->at, last->at)};
  }
  return std::nullopt;
}

const monitor::Place* place_of_database(const Moment& moment, std::string_view database) {
  if (moment.samples == nullptr) return nullptr;
  const auto& places = moment.samples->places;
  const auto at = std::ranges::find_if(places, [&](const monitor::Place& place) {
    return place.is_of_database && place.is_answering && place.database == database;
  });
  return at == places.end() ? nullptr : &*at;
}

}  // namespace forebay::advise
