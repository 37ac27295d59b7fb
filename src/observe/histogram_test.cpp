#include "observe/histogram.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace forebay::observe {
namespace {

template <class Count>
Histogram whole(const SparseHistogram<Count>& sparse) {
  Histogram histogram;
  sparse.add_to(histogram);
  return histogram;
}

TEST(Buckets, FollowOneAnotherWithoutAGap) {
  EXPECT_EQ(Buckets::lowest(0), 0);
  for (std::size_t bucket = 0; bucket < Buckets::kCount; ++bucket) {
    EXPECT_EQ(Buckets::of(Buckets::lowest(bucket)), bucket);
    EXPECT_EQ(Buckets::of(Buckets::highest(bucket)), bucket);
    EXPECT_EQ(Buckets::highest(bucket) + 1, Buckets::lowest(bucket + 1));
  }
  EXPECT_EQ(Buckets::highest(Buckets::kCount - 1), Buckets::kLargest);
  EXPECT_EQ(Buckets::of(~std::uint64_t{0}), Buckets::kCount - 1);
}

TEST(Buckets, AreAtMostAnEighthOfTheirValuesWide) {
  for (std::size_t bucket = 1; bucket < Buckets::kCount; ++bucket) {
    const auto width = Buckets::highest(bucket) + 1 - Buckets::lowest(bucket);
    EXPECT_LE(width * 8, std::max<std::uint64_t>(Buckets::lowest(bucket), 8)) << bucket;
  }
}

/// Nearest rank, as percentile() defines it.
std::uint64_t exact(std::vector<std::uint64_t>& values, double share) {
  std::ranges::sort(values);
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::max<std::size_t>(rank, 1) - 1];
}

struct Distribution {
  std::string name;
  std::function<double(std::mt19937_64&)> draw;
};

std::vector<Distribution> distributions() {
  return {
      {"uniform", [](auto& source) { return std::uniform_real_distribution(0.0, 50'000.0)(source); }},
      {"exponential", [](auto& source) { return std::exponential_distribution(1.0 / 800.0)(source); }},
      {"log-normal", [](auto& source) { return std::lognormal_distribution(7.0, 2.0)(source); }},
      {"heavy tail", [](auto& source) { return 20.0 / std::uniform_real_distribution(1e-7, 1.0)(source); }},
      {"two peaks",
       [](auto& source) {
         const double middle = std::bernoulli_distribution(0.9)(source) ? 90.0 : 2'000'000.0;
         return std::normal_distribution(middle, middle / 20)(source);
       }},
      {"hours", [](auto& source) { return std::uniform_real_distribution(1e9, 1.6e10)(source); }},
      {"one value", [](auto&) { return 1234.0; }},
  };
}

TEST(Histogram, PercentilesAreWithinASixteenthOfTheExactOnes) {
  std::mt19937_64 source(7);
  for (const auto& [name, draw] : distributions()) {
    for (const std::size_t size : {1, 7, 1000, 20'000}) {
      SparseHistogram<std::uint32_t> histogram;
      std::vector<std::uint64_t> values;
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < size; ++i) {
        values.push_back(static_cast<std::uint64_t>(std::max(draw(source), 0.0)));
        histogram.add(values.back());
        sum += values.back();
      }
      const Histogram snapshot = whole(histogram);
      EXPECT_EQ(snapshot.count(), size);
      EXPECT_EQ(snapshot.sum(), sum);
      for (const double share : {0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
        const auto right = static_cast<double>(exact(values, share));
        const auto found = static_cast<double>(snapshot.percentile(share));
        EXPECT_LE(std::abs(found - right), right / 16) << name << " of " << size << ", " << share;
      }
    }
  }
}

TEST(Histogram, WhatWasAddedSinceACopyIsToldApart) {
  Histogram before;
  before.add(10, 5);
  Histogram after = before;
  after.add(4000, 2);
  const Histogram added = after.since(before);
  EXPECT_EQ(added.count(), 2U);
  EXPECT_EQ(added.sum(), 8000U);
  EXPECT_GE(added.percentile(0.5), 3750U);
  EXPECT_EQ(after.since(after).count(), 0U);
}

TEST(Histogram, OfNothingIsZero) {
  const Histogram empty;
  EXPECT_EQ(empty.percentile(0.99), 0);
  EXPECT_EQ(empty.count(), 0);
}

TEST(Histogram, SmallValuesAreExact) {
  for (std::uint64_t value = 0; value < 16; ++value) {
    SparseHistogram<std::uint32_t> histogram;
    histogram.add(value);
    EXPECT_EQ(whole(histogram).percentile(1.0), value);
  }
}

TEST(Histogram, MergedIsAsIfOneHadSeenAll) {
  std::mt19937_64 source(11);
  std::lognormal_distribution<double> times(6.0, 1.5);
  SparseHistogram<std::uint32_t> one;
  SparseHistogram<std::uint32_t> other;
  Histogram both;
  for (int i = 0; i < 5000; ++i) {
    const auto value = static_cast<std::uint64_t>(times(source));
    (i % 3 == 0 ? one : other).add(value);
    both.add(value);
  }
  Histogram merged = whole(one);
  merged += whole(other);
  EXPECT_EQ(merged.count(), both.count());
  EXPECT_EQ(merged.sum(), both.sum());
  for (const double share : {0.1, 0.5, 0.95, 0.99})
    EXPECT_EQ(merged.percentile(share), both.percentile(share));
}

TEST(Histogram, CumulativeBucketsCountExactly) {
  std::mt19937_64 source(13);
  std::lognormal_distribution<double> times(8.0, 3.0);
  Histogram histogram;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 3000; ++i) {
    values.push_back(static_cast<std::uint64_t>(times(source)));
    histogram.add(values.back());
  }
  const auto buckets = histogram.cumulative();
  ASSERT_EQ(buckets.size(), 22);
  EXPECT_EQ(buckets.front().bound_micros, 64);
  EXPECT_EQ(buckets.back().bound_micros, 134'217'728);
  for (const auto& [bound, count] : buckets) {
    const auto smaller = std::ranges::count_if(values, [bound = bound](auto value) { return value < bound; });
    EXPECT_EQ(count, smaller) << bound;
  }
  EXPECT_EQ(histogram.below_power(34), values.size());
}

TEST(SparseHistogram, HalvesBeforeACounterOverflows) {
  SparseHistogram<std::uint8_t> histogram;
  for (int i = 0; i < 250; ++i) histogram.add(1000);
  for (int i = 0; i < 50; ++i) histogram.add(9000);
  for (int i = 0; i < 10; ++i) histogram.add(1000);
  const Histogram snapshot = whole(histogram);
  EXPECT_LT(snapshot.count(), 200);
  EXPECT_EQ(snapshot.sum(), 260 * 1000 + 50 * 9000);
  EXPECT_NEAR(static_cast<double>(snapshot.percentile(0.8)), 1000, 63);
  EXPECT_NEAR(static_cast<double>(snapshot.percentile(0.9)), 9000, 563);
}

TEST(SparseHistogram, TakesMemoryForWhatItHasSeen) {
  SparseHistogram<std::uint32_t> histogram;
  EXPECT_LE(sizeof histogram, 136);
  EXPECT_EQ(histogram.allocated_bytes(), 0);
  for (std::uint64_t value = 1024; value < 4096; ++value) histogram.add(value);
  EXPECT_EQ(histogram.allocated_bytes(), 64);
  for (int power = 0; power < 40; ++power) histogram.add(std::uint64_t{1} << power);
  EXPECT_EQ(histogram.allocated_bytes(), 1024);
}

}  // namespace
}  // namespace forebay::observe
