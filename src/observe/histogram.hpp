#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
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
    // By so much a bucket's values differ in bits that do not count. What is left of them is from eight to
    // fifteen, but for the values below that.
    const auto shift = static_cast<std::size_t>(std::bit_width(value | (2 * kPerPower - 1))) - 4;
    return shift * kPerPower + (value >> shift);
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

/// How often times of which length occurred. 2 KiB, and a handful of instructions for each. By one thread;
/// copies may go to others.
class Histogram {
 public:
  void add(std::uint64_t micros, std::uint64_t times = 1) {
    add_to_bucket(Buckets::of(micros), times);
    sum_ += micros * times;
  }
  /// What is known of these is their number; their sum is to be added.
  void add_to_bucket(std::size_t bucket, std::uint64_t count) {
    counts_[bucket] += count;
    count_ += count;
  }
  void add_sum(std::uint64_t micros) { sum_ += micros; }
  Histogram& operator+=(const Histogram& other);
  /// What was added after `before`, an earlier copy of the same.
  Histogram since(const Histogram& before) const;

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
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::array<std::uint64_t, Buckets::kCount> counts_{};
};

/// Likewise, for thousands of statements: counters are made as they are needed, sixteen at a time. It takes
/// 136 bytes, and for each two powers of two that values fell into 16 counters and what the allocator adds.
/// All counts are halved before one would overflow, so that percentiles stay true.
template <class Count>
class SparseHistogram {
 public:
  void add(std::uint64_t micros) {
    Count& counter = counter_of(Buckets::of(micros));
    if (counter == std::numeric_limits<Count>::max()) halve();
    ++counter;
    sum_ += micros;
  }

  void add_to(Histogram& histogram) const {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      if (blocks_[i] == nullptr) continue;
      for (std::size_t j = 0; j < kBlock; ++j) histogram.add_to_bucket(i * kBlock + j, (*blocks_[i])[j]);
    }
    histogram.add_sum(sum_);
  }

  /// Of the counters, without the allocator's part.
  std::size_t allocated_bytes() const {
    const auto made = std::ranges::count_if(blocks_, [](const auto& block) { return block != nullptr; });
    return static_cast<std::size_t>(made) * sizeof(Block);
  }

 private:
  static constexpr std::size_t kBlock = 16;
  static constexpr std::size_t kBlocks = Buckets::kCount / kBlock;
  using Block = std::array<Count, kBlock>;

  Count& counter_of(std::size_t bucket) {
    std::unique_ptr<Block>& block = blocks_[bucket / kBlock];
    if (block == nullptr) block = std::make_unique<Block>();
    return (*block)[bucket % kBlock];
  }

  void halve() {
    for (const auto& block : blocks_) {
      if (block == nullptr) continue;
      for (Count& counter : *block) counter /= 2;
    }
  }

  std::uint64_t sum_ = 0;
  std::array<std::unique_ptr<Block>, kBlocks> blocks_;
};

}  // namespace forebay::observe
