#include <algorithm>
#include <chrono>
#include <map>

#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"

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

}  // namespace

void cache(const ShowRequestPtr& request, ShowDone done) {
  auto& caches = request->front.caches();
  std::map<const forebay::cache::Freshness*, Held> held;
  caches.store().visit([&held](const forebay::cache::Entry& entry, std::uint64_t) {
    Held& of = held[&entry.freshness()];
    ++of.entries;
    of.bytes += entry.bytes();
  });
  RowWriter rows(request->columns, request->formats);
  for (const auto& cache : caches.all()) {
    const auto& freshness = cache->freshness();
    const auto& counters = cache->counters();
    const Held& of = held[&freshness];
    const std::string trouble = freshness.trouble();
    rows.text(cache->database()).text(trouble.empty() ? "bounded" : "off").text(trouble);
    rows.number(static_cast<std::uint64_t>(freshness.bound().count()));
    age_or_null(rows, request->now, freshness.lease());
    rows.number(of.entries).number(of.bytes);
    rows.number(counters.hits).number(counters.misses).number(counters.fills).number(counters.stale);
    rows.number(counters.refused).number(counters.saved_micros / 1000);
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
