#include "engine/worth.hpp"

namespace forebay::engine {

namespace {

/// Of fewer results nothing can be said. A burst of clients that begin does not count.
constexpr std::uint32_t kFewest = 512;
/// From so many on the past counts half.
constexpr std::uint32_t kMost = 4096;
/// One in so many has to be asked for again.
constexpr std::uint32_t kOneIn = 16;
/// One in so many is kept although nobody is likely to ask for it again.
constexpr std::uint32_t kTrial = 32;

}  // namespace

void Worth::note_kept(Place place) {
  Counts& counts = places_[place];
  if (counts.kept.fetch_add(1, std::memory_order_relaxed) + 1 < kMost) return;
  counts.kept.store(kMost / 2, std::memory_order_relaxed);
  counts.used.store(counts.used.load(std::memory_order_relaxed) / 2, std::memory_order_relaxed);
}

Worth::Totals Worth::counts(Place place) const {
  const Counts& counts = places_[place];
  return {counts.kept.load(std::memory_order_relaxed), counts.used.load(std::memory_order_relaxed)};
}

bool Worth::is_worth(Place place, std::uint64_t key) {
  Counts& counts = places_[place];
  const std::uint32_t kept = counts.kept.load(std::memory_order_relaxed);
  if (kept < kFewest || counts.used.load(std::memory_order_relaxed) >= kept / kOneIn) return true;
  const auto part = static_cast<std::uint32_t>(key >> 20U);
  if (asked_[key % kKeys].exchange(part, std::memory_order_relaxed) == part) {
    note_used(place);  // had it been kept the first time
    return true;
  }
  return counts.left_out.fetch_add(1, std::memory_order_relaxed) % kTrial == kTrial - 1;
}

}  // namespace forebay::engine
