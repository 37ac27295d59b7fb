#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "sql/fingerprint.hpp"

namespace forebay::engine {

/// Which results are worth the work of keeping them: of statements whose kept results are hardly ever asked
/// for again, because their values never come back or writes end them before, only those are kept that have
/// been asked for a short while ago, and a few others, to notice when that changes.
///
/// Thread safe, without locks: counts may be lost, and statements or keys that share a place are taken
/// together. All that depends on it is what is kept.
class Worth {
 public:
  /// Where a statement is counted.
  using Place = std::uint16_t;
  static Place place_of(const sql::Fingerprint& text) { return static_cast<Place>(text.low % kPlaces); }

  void note_kept(Place place);
  /// A kept result has been asked for; for the first time.
  void note_used(Place place) { places_[place].used.fetch_add(1, std::memory_order_relaxed); }

  /// Whether the result of what is asked for now is to be kept; `key` is the hash of the whole question.
  bool is_worth(Place place, std::uint64_t key);

  /// How many of the last kept results have been asked for again; from some thousands on the past counts
  /// half.
  struct Totals {
    std::uint32_t kept;
    std::uint32_t used;
  };
  Totals counts(Place place) const;

 private:
  static constexpr std::size_t kPlaces = 1024;
  static constexpr std::size_t kKeys = 8192;

  struct Counts {
    std::atomic<std::uint32_t> kept = 0;
    std::atomic<std::uint32_t> used = 0;
    std::atomic<std::uint32_t> left_out = 0;
  };

  std::array<Counts, kPlaces> places_;
  std::array<std::atomic<std::uint32_t>, kKeys> asked_{};  ///< parts of the hashes of what was asked for last
};

}  // namespace forebay::engine
