#include <map>

#include "cache/best_entries.hpp"
#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"
#include "sql/without_values.hpp"

namespace forebay::pgfront::show {

namespace {

/// More would be no help to people.
constexpr std::size_t kMostEntries = 500;
constexpr std::size_t kMostText = 500;

std::string relations_of(const forebay::cache::Entry& entry) {
  std::map<std::string_view, bool> by_key;  // and sorted
  for (const auto& on : entry.dependencies()) {
    const bool is_by_key = on.mark != &on.relation->whole();
    const auto [at, is_new] = by_key.try_emplace(on.relation->name(), is_by_key);
    at->second = at->second && is_by_key;
  }
  std::string text;
  for (const auto& [name, is_by_key] : by_key) {
    if (!text.empty()) text += ", ";
    text.append(name).append(is_by_key ? " by key" : "");
  }
  return text;
}

}  // namespace

void cache_entries(const ShowRequestPtr& request, ShowDone done) {
  auto& caches = request->front.caches();
  std::map<const forebay::cache::Freshness*, std::string> databases;
  const auto all = caches.all();  // and keeps them, with the relations that entries speak of
  for (const auto& cache : all) databases[&cache->freshness()] = cache->database();
  RowWriter rows(request->columns, request->formats);
  const auto saved_micros = [](const forebay::cache::Entry& entry, std::uint64_t hits) {
    return hits * entry.fill_micros();
  };
  for (const auto& [entry, hits, saved] :
       forebay::cache::best_entries(caches.store(), kMostEntries, saved_micros)) {
    rows.text(databases[&entry->freshness()])
        .text(sql::without_values(entry->statement(), kMostText))
        .text(relations_of(*entry))
        .text(entry->tags());
    rows.number(entry->rows()).number(entry->bytes()).number(hits);
    rows.number(micros_between(entry->filled(), request->now) / 1000);
    rows.number(saved / 1000);
  }
  done(std::string(as_text(rows.bytes())));
}

void cache(const ShowRequestPtr& request, ShowDone done) {
  RowWriter rows(request->columns, request->formats);
  for (const CacheFacts& facts : cache_facts(request->front, request->now, true)) {
    rows.text(facts.database).text(name_of(facts.level)).text(facts.trouble);
    for (const auto& milliseconds :
         {facts.staleness, facts.lease_age, facts.age_p50, facts.age_p99, facts.age_max}) {
      milliseconds ? rows.number(*milliseconds) : rows.null();
    }
    rows.number(facts.entries).number(facts.bytes);
    rows.number(facts.hits).number(facts.misses).number(facts.waits).number(facts.fills);
    rows.number(facts.refills);
    rows.number(facts.stale).number(facts.refused).number(facts.saved_micros / 1000);
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
