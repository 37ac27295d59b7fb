#include <cstdint>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "sql/fingerprint.hpp"
#include "sql/verdict.hpp"
#include "sql/verdict_cache.hpp"

namespace forebay::sql {
namespace {

constexpr std::string_view kTexts[] = {
    "SELECT abalance FROM pgbench_accounts WHERE aid = 4242420;",
    "SELECT c.id, c.title, c.created_at, u.name AS author FROM courses c JOIN users u ON u.id = c.author_id "
    "WHERE c.published = true AND c.category_id IN (1, 2, 3) ORDER BY c.created_at DESC LIMIT 20 OFFSET 40",
};

std::string_view text_of(benchmark::State& state) {
  const std::string_view text = kTexts[state.range(0)];
  state.SetLabel(std::to_string(text.size()) + " bytes");
  return text;
}

void take_fingerprint(benchmark::State& state) {
  const std::string_view text = text_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(fingerprint(text));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(take_fingerprint)->Arg(0)->Arg(1);

void hit_cache(benchmark::State& state) {
  const std::string_view text = text_of(state);
  VerdictCache cache;
  for (auto _ : state) benchmark::DoNotOptimize(&cache.of(text, true));
}
BENCHMARK(hit_cache)->Arg(0)->Arg(1);

void analyse_text(benchmark::State& state) {
  const std::string_view text = text_of(state);
  for (auto _ : state) benchmark::DoNotOptimize(analyse(text));
}
BENCHMARK(analyse_text)->Arg(0)->Arg(1);

}  // namespace
}  // namespace forebay::sql
