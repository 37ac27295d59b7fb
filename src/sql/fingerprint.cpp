#include "sql/fingerprint.hpp"

#include <bit>
#include <cstddef>
#include <cstring>
#include <random>

#include "sql/lexer.hpp"
#include "sql/literals.hpp"

namespace forebay::sql {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;
constexpr std::size_t kChunk = 7;
constexpr std::uint64_t kChunkMask = (std::uint64_t{1} << (8 * kChunk)) - 1;

static_assert(std::endian::native == std::endian::little, "load() takes the first byte for the lowest");

constexpr std::uint64_t kPointMask = (std::uint64_t{1} << 59) - 1;

/// Modulo kPrime, but not fully. With points below 2^59 and words below 2^60 a polynomial's value stays below
/// 2^62 from step to step, so that no product reaches 2^122.
std::uint64_t reduce(Wide value) {
  return (static_cast<std::uint64_t>(value) & kPrime) + static_cast<std::uint64_t>(value >> 61);
}

struct Points {
  std::uint64_t high;
  std::uint64_t low;

  static std::uint64_t draw(std::random_device& source) {
    const std::uint64_t bits = (std::uint64_t{source()} << 32) | source();
    return 1 + (bits & kPointMask) % kPointMask;
  }
  static const Points& of_process() {
    static const Points points = [] {
      std::random_device source;
      return Points{draw(source), draw(source)};
    }();
    return points;
  }
};

/// A stream of tokens becomes a stream of words: each token is cut into chunks of seven bytes, with the kind
/// of the token in the eighth byte of its last chunk and nothing there in the others. Since no token holds a
/// NUL byte, the padding of the last chunk can be told, and different streams of tokens are different streams
/// of words.
class Hash {
 public:
  explicit Hash(std::string_view text) : text_end_(text.data() + text.size()) {}

  void add(TokenKind kind, std::string_view bytes) {
    const char* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left > kChunk; left -= kChunk, at += kChunk) step(load(at, kChunk));
    step(load(at, left) | (std::uint64_t{static_cast<std::uint8_t>(kind)} << (8 * kChunk)));
  }

  Fingerprint finish() const { return {full(high_), full(low_)}; }

 private:
  void step(std::uint64_t word) {
    high_ = reduce(Wide{high_ + word} * points_.high);
    low_ = reduce(Wide{low_ + word} * points_.low);
  }

  std::uint64_t load(const char* at, std::size_t size) const {
    std::uint64_t word = 0;
    if (text_end_ - at >= 8) {
      std::memcpy(&word, at, 8);
      return word & (kChunkMask >> (8 * (kChunk - size)));
    }
    for (std::size_t i = 0; i < size; ++i)
      word |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
    return word;
  }

  static std::uint64_t full(std::uint64_t value) { return value % kPrime; }

  const char* text_end_;
  const Points points_ = Points::of_process();
  std::uint64_t high_ = 1;  ///< not 0: leading words of zero have to count
  std::uint64_t low_ = 1;
};

}  // namespace

Fingerprint fingerprint(std::string_view text) {
  Lexer lexer(text);
  LiteralRule rule;
  Hash hash(text);
  for (;;) {
    const Token token = lexer.next();
    if (token.kind == TokenKind::end) return hash.finish();
    if (token.kind == TokenKind::broken) return {};
    hash.add(token.kind, rule.keeps(token) ? token.text : std::string_view(text.data(), 0));
  }
}

}  // namespace forebay::sql
