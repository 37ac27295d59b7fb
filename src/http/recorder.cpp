#include "http/recorder.hpp"

#include <algorithm>
#include <utility>

#include "base/wall_clock.hpp"
#include "monitor/reading.hpp"

namespace forebay::http {

namespace {

double milliseconds(std::uint64_t micros) {
  return static_cast<double>(micros) / 1e3;
}

}  // namespace

void Recorder::note(const Figures& figures, TimePoint now) {
  Totals totals{.at = now, .cached = figures.cached, .cpu_seconds = figures.process.cpu_seconds};
  for (const auto& [database, traffic] : figures.traffic) totals.traffic += traffic;
  for (const auto& [database, report] : figures.latencies) {
    totals.calls += report.calls;
    totals.errors += report.errors + report.refusals;
  }
  if (before_ && before_->at < now) note_rates(*before_, totals);
  before_ = totals;
  const auto count = [&](const char* name, std::uint64_t value) {
    history_.add(name, now, static_cast<double>(value));
  };
  count("clients_active", figures.clients.active);
  count("clients_idle", figures.clients.idle);
  count("clients_waiting", figures.clients.waiting);
  count("backends", figures.lists.backends);
  count("resident_bytes", figures.process.resident_bytes);
  count("cache_bytes", figures.store.bytes);
  note_servers(figures, now);
  note_samples(now);
  hand_to_writer(now);
}

/// What there was none of has no mean, and so no point.
void Recorder::note_rates(const Totals& before, const Totals& after) {
  const double seconds = seconds_between(before.at, after.at);
  const backend::Traffic come = after.traffic.since(before.traffic);
  const auto rate = [&](const char* name, auto amount) {
    history_.add_rate(name, before.at, after.at, static_cast<double>(amount) / seconds);
  };
  const auto mean = [&](const char* name, double sum, std::uint64_t count) {
    const auto weight = static_cast<double>(count);
    if (count > 0) history_.add(name, after.at, sum / weight, weight);
  };
  const std::uint64_t hits = after.cached.hits - before.cached.hits;
  rate("queries", come.queries);
  rate("transactions", come.transactions);
  rate("errors", after.errors - before.errors);
  rate("hits", hits);
  rate("received_bytes", come.bytes_received);
  rate("sent_bytes", come.bytes_sent);
  mean("hit_ratio", static_cast<double>(hits), hits + after.cached.misses - before.cached.misses);
  mean("query_ms", milliseconds(come.query_micros),
       come.queries - std::min(come.queries, come.cached_queries));
  mean("wait_ms", milliseconds(come.wait_micros), come.checkouts());
  note_calls(before, after);
  rate("saved_seconds", milliseconds(after.cached.saved_micros - before.cached.saved_micros) / 1e3);
  rate("cpu", after.cpu_seconds - before.cpu_seconds);
}

/// The percentiles of each stretch of time are those of all its calls.
void Recorder::note_calls(const Totals& before, const Totals& after) {
  std::array<observe::Histogram, monitor::kResolutions.size()> calls;
  for (std::size_t at = 0; at < calls.size(); ++at) {
    Stretch& stretch = stretches_[at];
    const std::int64_t number = monitor::stretch_of(after.at, monitor::kResolutions[at].seconds);
    if (stretch.number != number) stretch = {.number = number, .before = before.calls};
    calls[at] = after.calls.since(stretch.before);
  }
  const observe::Histogram newest = after.calls.since(before.calls);
  if (newest.count() == 0) return;
  history_.add("call_ms", after.at, milliseconds(newest.sum()) / static_cast<double>(newest.count()),
               static_cast<double>(newest.count()));
  for (const auto& [name, share] : {std::pair("call_p95_ms", 0.95), std::pair("call_p99_ms", 0.99)}) {
    std::array<double, monitor::kResolutions.size()> values{};
    for (std::size_t at = 0; at < calls.size(); ++at) values[at] = milliseconds(calls[at].percentile(share));
    history_.set(name, after.at, values);
  }
}

void Recorder::note_servers(const Figures& figures, TimePoint now) {
  for (const auto& server : figures.servers) {
    if (server.lag_ms) history_.add("lag_ms/" + server.server.name, now, static_cast<double>(*server.lag_ms));
  }
}

/// What is new since the last time.
void Recorder::note_samples(TimePoint now) {
  const monitor::SamplesPtr samples = watched_.sampler.samples();
  if (samples == noted_) return;
  for (const monitor::Place& place : samples->places) {
    const auto is_same = [&place](const monitor::Place& before) {
      return before.server == place.server && before.database == place.database;
    };
    if (noted_ != nullptr) {
      const auto before = std::ranges::find_if(noted_->places, is_same);
      if (before != noted_->places.end()) monitor::note_counters(history_, *before, place);
    }
    monitor::note_activity(history_, place, now);
    monitor::note_sizes(history_, watched_.growth, place, now);
  }
  noted_ = samples;
}

void Recorder::hand_to_writer(TimePoint now) {
  const double wall = unix_time() - seconds_between(now, Clock::now());
  watched_.writer.put(finished_.take(history_, now, wall));
}

}  // namespace forebay::http
