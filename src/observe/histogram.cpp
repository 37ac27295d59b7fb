#include "observe/histogram.hpp"

#include <cmath>

namespace forebay::observe {

namespace {

constexpr std::size_t kFirstPower = 6;
constexpr std::size_t kLastPower = 27;

}  // namespace

Histogram& Histogram::operator+=(const Histogram& other) {
  for (std::size_t i = 0; i < Buckets::kCount; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  return *this;
}

Histogram Histogram::since(const Histogram& before) const {
  Histogram added;
  for (std::size_t i = 0; i < Buckets::kCount; ++i) {
    if (counts_[i] > before.counts_[i]) added.add_to_bucket(i, counts_[i] - before.counts_[i]);
  }
  if (sum_ > before.sum_) added.add_sum(sum_ - before.sum_);
  return added;
}

std::uint64_t Histogram::percentile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  const std::uint64_t rank = std::clamp<std::uint64_t>(wanted, 1, count_);
  std::uint64_t passed = 0;
  std::size_t bucket = 0;
  while (passed + counts_[bucket] < rank) passed += counts_[bucket++];
  return (Buckets::lowest(bucket) + Buckets::highest(bucket)) / 2;
}

std::uint64_t Histogram::below_power(std::size_t power) const {
  const std::size_t end = power >= 34 ? Buckets::kCount : Buckets::of(std::uint64_t{1} << power);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < end; ++i) count += counts_[i];
  return count;
}

std::vector<Histogram::Cumulative> Histogram::cumulative() const {
  std::vector<Cumulative> buckets;
  for (std::size_t power = kFirstPower; power <= kLastPower; ++power)
    buckets.push_back({std::uint64_t{1} << power, below_power(power)});
  return buckets;
}

}  // namespace forebay::observe
