#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "engine/session_calls.hpp"

namespace forebay::engine {
namespace {

constexpr TimePoint kNow{std::chrono::seconds(1000)};

/// A table that has met `state.range(0)` statements, and their names.
struct Filled {
  explicit Filled(const benchmark::State& state) {
    table.configure(true, 10'000);
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      texts.push_back("SELECT name FROM items WHERE id = $1 AND kind" + std::to_string(i) + " = $2");
      keys.push_back({sql::fingerprint(texts.back()), table.number_of("shop")});
      table.find(keys.back(), texts.back(), 1, kNow);
    }
  }

  StatementTable table;
  std::vector<std::string> texts;
  std::vector<StatementKey> keys;
};

void count_hit(benchmark::State& state) {
  Filled filled(state);
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % filled.keys.size();
    StatementTable::Hits hits;
    hits.add(1, 200);
    filled.table.note_hits(filled.table.find(filled.keys[at], filled.texts[at], 1, kNow), hits, kNow);
  }
}
BENCHMARK(count_hit)->Arg(1)->Arg(100)->Arg(10'000);

/// Bind, Execute and their answer.
void count_call(benchmark::State& state) {
  Filled filled(state);
  SessionCalls calls(filled.table, "shop");
  TimePoint now = kNow;
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % filled.keys.size();
    const auto found = filled.table.find(filled.keys[at], filled.texts[at], 1, now);
    calls.bind("", found);
    calls.begin_preparation(found, now);
    const std::uint32_t call = calls.begin_call(calls.bound("", now), now);
    now += std::chrono::microseconds(200);
    calls.note_done(call, std::string_view("SELECT 1\0", 9), 0, now);
    calls.end_burst(now);
    calls.end_answers(true);
  }
}
BENCHMARK(count_call)->Arg(1)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace forebay::engine
