#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace forebay::observe {

/// The buckets of every Histogram: one for each value up to 15 µs, and eight for each power of two above, so
/// that a bucket is at most an eighth as wide as its lowest value. All values are whole microseconds.
struct Buckets {
  static constexpr std::size_t kCount = 256;
  /// What takes longer, 4 h 46 min, is counted as this.
  static constexpr std::uint64_t kLargest = (std::uint64_t{1} << 34) - 1;

  static constexpr std::size_t of(std::uint64_t micros) {
    const std::uint64_t value = std::min(micros, kLargest);
    if (value < kPerPower) return value;
    const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;
    return (power - 2) * kPerPower + ((value >> (power - 3)) & (kPerPower - 1));
  }
  /// The smallest value that falls into it.
  static constexpr std::uint64_t lowest(std::size_t bucket) {
    if (bucket < kPerPower) return bucket;
    return (kPerPower + bucket % kPerPower) << (bucket / kPerPower - 1);
  }
  static constexpr std::uint64_t highest(std::size_t bucket) { return lowest(bucket + 1) - 1; }

 private:
  static constexpr std::size_t kPerPower = 8;
};

/// What one or several histograms hold, at one moment.
class HistogramSnapshot {
 public:
  void add(std::size_t bucket, std::uint64_t count) {
    counts_[bucket] += count;
    count_ += count;
  }
  void add_sum(std::uint64_t micros) { sum_ += micros; }
  HistogramSnapshot& operator+=(const HistogramSnapshot& other);
  /// What was added after `before`, an earlier snapshot of the same.
  HistogramSnapshot since(const HistogramSnapshot& before) const;

  std::uint64_t count() const { return count_; }
  /// Of all values, exactly, in microseconds.
  std::uint64_t sum() const { return sum_; }

  /// The value of rank ceil(share × count) in ascending order, for shares above 0 and up to 1: the smallest
  /// one that at least this share of all values does not exceed. What is returned is the middle of its
  /// bucket, at most 1/16 (6.25 %) away from it, and exact up to 15 µs. 0 when there are no values.
  std::uint64_t percentile(double share) const;

  /// Calls `visit(lowest, highest, count)` for each bucket that is not empty, in ascending order.
  template <class Visitor>
  void each_bucket(Visitor visit) const {
    for (std::size_t bucket = 0; bucket < Buckets::kCount; ++bucket) {
      if (counts_[bucket] > 0) visit(Buckets::lowest(bucket), Buckets::highest(bucket), counts_[bucket]);
    }
  }

  /// How many values were smaller than 2^power microseconds; exact, `power` up to 34. What Prometheus calls
  /// a cumulative bucket.
  std::uint64_t below_power(std::size_t power) const;

  /// A bucket in Prometheus' sense: how many values there were up to a bound.
  struct Cumulative {
    std::uint64_t bound_micros;
    std::uint64_t count;
  };
  /// Those with the powers of two from 64 µs to 134 s for bounds; the one without a bound is count().
  std::vector<Cumulative> cumulative() const;

 private:
  std::array<std::uint64_t, Buckets::kCount> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
};

/// How often times of which length occurred. One thread adds, without a locked instruction; any thread may
/// read while it does.
///
/// Counters are made as they are needed, sixteen at a time: a histogram takes 144 bytes, and for each two
/// powers of two that values fell into 16 counters and what the allocator adds. With a `Count` of 32 bits,
/// all counts are halved before one would overflow, so that percentiles stay true; with 64 bits none does.
template <class Count>
class Histogram {
 public:
  Histogram() = default;
  Histogram(const Histogram&) = delete;
  Histogram& operator=(const Histogram&) = delete;
  ~Histogram() {
    for (auto& place : blocks_) delete place.load(std::memory_order_relaxed);
  }

  /// By the one thread that adds.
  void add(std::uint64_t micros) {
    const std::size_t bucket = Buckets::of(micros);
    std::atomic<Count>& counter = counter_of(bucket);
    if constexpr (sizeof(Count) < sizeof(std::uint64_t)) {
      if (counter.load(std::memory_order_relaxed) == std::numeric_limits<Count>::max()) halve();
    }
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + micros, std::memory_order_relaxed);
  }

  /// Likewise, of so many that took as long.
  void add(std::uint64_t micros, std::uint64_t times) requires(sizeof(Count) == sizeof(std::uint64_t)) {
    std::atomic<Count>& counter = counter_of(Buckets::of(micros));
    counter.store(counter.load(std::memory_order_relaxed) + times, std::memory_order_relaxed);
    sum_.store(sum_.load(std::memory_order_relaxed) + micros * times, std::memory_order_relaxed);
  }

  /// Of all that was added, in microseconds.
  std::uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

  void add_to(HistogramSnapshot& snapshot) const {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      const Block* block = blocks_[i].load(std::memory_order_acquire);
      if (block == nullptr) continue;
      for (std::size_t j = 0; j < kBlock; ++j)
        snapshot.add(i * kBlock + j, block->counts[j].load(std::memory_order_relaxed));
    }
    snapshot.add_sum(sum());
  }

  /// Of the counters, without the allocator's part.
  std::size_t allocated_bytes() const {
    const auto made = std::count_if(blocks_.begin(), blocks_.end(), [](const auto& place) {
      return place.load(std::memory_order_relaxed) != nullptr;
    });
    return static_cast<std::size_t>(made) * sizeof(Block);
  }

 private:
  static constexpr std::size_t kBlock = 16;
  static constexpr std::size_t kBlocks = Buckets::kCount / kBlock;

  struct Block {
    std::array<std::atomic<Count>, kBlock> counts{};
  };

  std::atomic<Count>& counter_of(std::size_t bucket) {
    std::atomic<Block*>& place = blocks_[bucket / kBlock];
    Block* block = place.load(std::memory_order_relaxed);
    if (block == nullptr) {
      block = new Block;
      place.store(block, std::memory_order_release);
    }
    return block->counts[bucket % kBlock];
  }

  void halve() {
    for (auto& place : blocks_) {
      Block* block = place.load(std::memory_order_relaxed);
      if (block == nullptr) continue;
      for (auto& counter : block->counts)
        counter.store(counter.load(std::memory_order_relaxed) / 2, std::memory_order_relaxed);
    }
  }

  std::atomic<std::uint64_t> sum_ = 0;
  std::array<std::atomic<Block*>, kBlocks> blocks_{};
};

}  // namespace forebay::observe
