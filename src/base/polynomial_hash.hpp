#pragma once

#include <cstdint>
#include <random>

namespace forebay {

/// A polynomial over words modulo the prime 2^61 - 1, at a point that is drawn at random and never shown: two
/// different streams of at most n words have the same value with a probability of at most n / 2^59, whoever
/// made them. (Carter and Wegman, Universal classes of hash functions,
/// https://doi.org/10.1016/0022-0000(79)90044-8)
class PolynomialHash {
 public:
  /// `start` is not 0 where leading words of zero have to count.
  PolynomialHash(std::uint64_t point, std::uint64_t start) : point_(point), value_(start) {}

  /// Above 0 and below 2^59.
  static std::uint64_t draw_point() {
    constexpr std::uint64_t kMask = (std::uint64_t{1} << 59) - 1;
    std::random_device source;
    const std::uint64_t bits = (std::uint64_t{source()} << 32) | source();
    return 1 + (bits & kMask) % kMask;
  }

  /// A word below 2^60.
  void add(std::uint64_t word) { value_ = reduce(Wide{value_ + word} * point_); }
  std::uint64_t finish() const { return value_ % kPrime; }

 private:
  __extension__ using Wide = unsigned __int128;

  static constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;

  /// Modulo kPrime, but not fully. With points below 2^59 and words below 2^60 the value stays below 2^62
  /// from step to step, so that no product reaches 2^122.
  static std::uint64_t reduce(Wide value) {
    return (static_cast<std::uint64_t>(value) & kPrime) + static_cast<std::uint64_t>(value >> 61);
  }

  std::uint64_t point_;
  std::uint64_t value_;
};

}  // namespace forebay
