#include "advise/evidence.hpp"

#include <algorithm>

#include "advise/words.hpp"

namespace forebay::advise {

namespace {

backend::Traffic difference(const backend::Traffic& now, const backend::Traffic& before) {
  backend::Traffic traffic;
  for (const auto counter : {&backend::Traffic::assignments, &backend::Traffic::transactions,
                             &backend::Traffic::queries, &backend::Traffic::transaction_micros,
                             &backend::Traffic::query_micros, &backend::Traffic::wait_micros})
    traffic.*counter = now.*counter >= before.*counter ? now.*counter - before.*counter : now.*counter;
  return traffic;
}

double seconds(std::uint64_t micros) {
  return static_cast<double>(micros) / 1e6;
}

}  // namespace

std::string Evidence::period() const {
  return "in the last " + duration(seconds());
}

double grown(std::uint64_t now, std::uint64_t before) {
  return static_cast<double>(now >= before ? now - before : now);
}

backend::Traffic carried(const Evidence& evidence, const pgfront::PoolFacts& pool) {
  const auto& pools = evidence.before().pools;
  const auto at = std::ranges::find_if(pools, [&](const pgfront::PoolFacts& each) {
    return each.user == pool.user && each.database == pool.database &&
           each.is_for_reads == pool.is_for_reads && (!pool.is_for_reads || each.server == pool.server);
  });
  return at == pools.end() ? pool.traffic : difference(pool.traffic, at->traffic);
}

backend::Traffic carried(const Evidence& evidence, const std::string& database) {
  const auto now = evidence.now().traffic.find(database);
  const auto before = evidence.before().traffic.find(database);
  if (now == evidence.now().traffic.end()) return {};
  return before == evidence.before().traffic.end() ? now->second : difference(now->second, before->second);
}

StatementGrowth grown(const Evidence& evidence, const StatementCount& statement) {
  const StatementCount* before = find_statement(evidence.before(), statement.fingerprint, statement.database);
  // One that was not told before may have been there, too cheap to be told.
  if (before == nullptr && statement.figures.first_seen < evidence.before().at) return {};
  const engine::StatementFigures nothing;
  const auto& now = statement.figures;
  const auto& then = before == nullptr || before->figures.calls > now.calls ? nothing : before->figures;
  return {.calls = grown(now.calls, then.calls),
          .hits = grown(now.hits, then.hits),
          .seconds = grown(now.exec_micros, then.exec_micros) / 1e6};
}

RepetitionGrowth grown(const Evidence& evidence, const engine::Repetition& repetition) {
  const auto& all = evidence.before().repetitions;
  const auto at = std::ranges::find_if(all, [&](const engine::Repetition& each) {
    return each.fingerprint == repetition.fingerprint && each.database == repetition.database &&
           each.kind == repetition.kind;
  });
  if (at == all.end() && repetition.figures.first_seen < evidence.before().at) return {};
  const engine::RepetitionFigures nothing;
  const auto& now = repetition.figures;
  const auto& then = at == all.end() || at->figures.windows > now.windows ? nothing : at->figures;
  return {.windows = grown(now.windows, then.windows),
          .executions = grown(now.executions, then.executions),
          .seconds = seconds(now.micros >= then.micros ? now.micros - then.micros : now.micros)};
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

const monitor::Place* place_of_database(const Moment& moment, std::string_view database) {
  if (moment.samples == nullptr) return nullptr;
  const auto& places = moment.samples->places;
  const auto at = std::ranges::find_if(places, [&](const monitor::Place& place) {
    return place.is_of_database && place.is_answering && place.database == database;
  });
  return at == places.end() ? nullptr : &*at;
}

}  // namespace forebay::advise
