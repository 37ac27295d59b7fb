#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache/store.hpp"

namespace forebay::cache {

struct RankedEntry {
  EntryPtr entry;
  std::uint64_t hits = 0;
  std::uint64_t rank = 0;
};

/// The `most` entries of the highest rank, the highest first. `rank(entry, hits)` is called under the store's
/// locks. Holds a few times `most` entries meanwhile.
template <class Rank>
std::vector<RankedEntry> best_entries(const Store& store, std::size_t most, Rank rank) {
  std::vector<RankedEntry> best;
  const auto trim = [&best, most] {
    const auto kept = static_cast<std::ptrdiff_t>(std::min(best.size(), most));
    std::ranges::partial_sort(best, best.begin() + kept, std::greater(), &RankedEntry::rank);
    best.resize(static_cast<std::size_t>(kept));
  };
  store.visit([&](const EntryPtr& entry, std::uint64_t hits) {
    best.push_back({entry, hits, rank(*entry, hits)});
    if (best.size() == 4 * most) trim();
  });
  trim();
  return best;
}

}  // namespace forebay::cache
