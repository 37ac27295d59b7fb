#include <algorithm>
#include <chrono>
#include <map>

#include "cache/best_entries.hpp"
#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"
#include "sql/without_values.hpp"

namespace forebay::pgfront::show {

namespace {

struct Held {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

/// Milliseconds since the proof that nothing is missing was asked for; NULL while there is none.
void age_or_null(RowWriter& rows, TimePoint now, TimePoint lease) {
  if (lease == TimePoint()) {
    rows.null();
  } else {
    const auto age = std::chrono::duration_cast<Duration>(now - lease).count();
    rows.number(static_cast<std::uint64_t>(std::max<std::int64_t>(age, 0)));
  }
}

/// At the level ttl each entry has a bound of its own.
void write_staleness(RowWriter& rows, const forebay::cache::Freshness& freshness, forebay::cache::Level level,
                     TimePoint now) {
  const auto milliseconds = [](Duration time) { return static_cast<std::uint64_t>(time.count()); };
  const bool is_bounded = level != forebay::cache::Level::ttl;
  is_bounded ? rows.number(milliseconds(freshness.bound())) : rows.null();
  age_or_null(rows, now, freshness.lease());
  const auto ages = freshness.recent_ages();
  for (const Duration age : {ages.p50, ages.p99, ages.max})
    is_bounded ? rows.number(milliseconds(age)) : rows.null();
}

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
  auto& caches = request->front.caches();
  std::map<const forebay::cache::Freshness*, Held> held;
  caches.store().visit([&held](const forebay::cache::EntryPtr& entry, std::uint64_t) {
    Held& of = held[&entry->freshness()];
    ++of.entries;
    of.bytes += entry->bytes();
  });
  RowWriter rows(request->columns, request->formats);
  for (const auto& cache : caches.all()) {
    const auto& freshness = cache->freshness();
    const auto& counters = cache->counters();
    const Held& of = held[&freshness];
    const auto level = freshness.level();
    rows.text(cache->database()).text(name_of(level)).text(freshness.trouble());
    write_staleness(rows, freshness, level, request->now);
    rows.number(of.entries).number(of.bytes);
    rows.number(counters.hits).number(counters.misses).number(counters.waits).number(counters.fills);
    rows.number(counters.refills);
    rows.number(counters.stale).number(counters.refused).number(counters.saved_micros / 1000);
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
