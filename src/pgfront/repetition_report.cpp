#include "pgfront/repetition_report.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "engine/repetition_table.hpp"
#include "pgfront/console_gather.hpp"

namespace forebay::pgfront {

namespace {

using engine::Repetition;

auto name_of(const Repetition& each) {
  return std::tuple(each.fingerprint.high, each.fingerprint.low, each.database, each.kind);
}

void add(Repetition& sum, const Repetition& other) {
  sum.figures += other.figures;
  sum.places |= other.places;
  if (sum.is_confirmed() || !other.is_confirmed()) return;
  sum.source = other.source;
  sum.rewrite = other.rewrite;
}

std::vector<Repetition> merged(std::vector<std::vector<Repetition>>&& threads) {
  std::map<decltype(name_of(std::declval<Repetition>())), Repetition> sums;
  for (auto& thread : threads) {
    for (Repetition& each : thread) {
      const auto [at, is_new] = sums.try_emplace(name_of(each), each);
      if (!is_new) add(at->second, each);
    }
  }
  std::vector<Repetition> all;
  for (auto& [name, each] : sums) all.push_back(std::move(each));
  std::ranges::stable_sort(all, std::greater(), [](const Repetition& each) {
    return std::tuple(each.is_confirmed(), each.figures.micros, each.figures.executions);
  });
  return all;
}

}  // namespace

void gather_repetitions(const Inquiry& inquiry, std::function<void(const std::vector<Repetition>&)> done) {
  const auto ask = [now = inquiry.now](Worker& worker) {
    auto& table = worker.statements().repetitions();
    table.sweep(now);
    return table.repetitions();
  };
  gather(inquiry.front, inquiry.asker, inquiry.here, ask,
         [done = std::move(done)](std::vector<std::vector<Repetition>> threads) {
           done(merged(std::move(threads)));
         });
}

void gather_repetition_counts(const Inquiry& inquiry,
                              std::function<void(std::vector<engine::RepetitionCount>)> done) {
  const auto ask = [](Worker& worker) { return worker.statements().repetitions().counts(); };
  gather(inquiry.front, inquiry.asker, inquiry.here, ask,
         [done = std::move(done)](const std::vector<std::vector<engine::RepetitionCount>>& threads) {
           std::map<std::string_view, engine::RepetitionCount> sums;
           for (const auto& thread : threads) {
             for (const engine::RepetitionCount& count : thread) {
               engine::RepetitionCount& sum = sums[count.database];
               sum.database = count.database;
               for (std::size_t kind = 0; kind < sum.windows.size(); ++kind)
                 sum.windows[kind] += count.windows[kind];
             }
           }
           std::vector<engine::RepetitionCount> all;
           for (const auto& [database, sum] : sums) all.push_back(sum);
           done(std::move(all));
         });
}

std::string places_of(const Repetition& repetition) {
  constexpr std::pair<engine::RepetitionPlace, std::string_view> kNames[] = {
      {engine::RepetitionPlace::transaction, "transaction"},
      {engine::RepetitionPlace::trace, "trace"},
      {engine::RepetitionPlace::client, "client"}};
  std::string all;
  for (const auto& [place, name] : kNames) {
    if ((repetition.places & static_cast<std::uint8_t>(place)) == 0) continue;
    all.append(all.empty() ? "" : ", ").append(name);
  }
  return all;
}

}  // namespace forebay::pgfront
