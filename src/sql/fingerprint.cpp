#include "sql/fingerprint.hpp"

#include <bit>
#include <cstddef>
#include <cstring>

#include "base/polynomial_hash.hpp"
#include "sql/lexer.hpp"
#include "sql/literals.hpp"

namespace forebay::sql {
namespace {

constexpr std::size_t kChunk = 7;
constexpr std::uint64_t kChunkMask = (std::uint64_t{1} << (8 * kChunk)) - 1;

static_assert(std::endian::native == std::endian::little, "load() takes the first byte for the lowest");

struct Points {
  std::uint64_t high;
  std::uint64_t low;

  static const Points& of_process() {
    static const Points points{PolynomialHash::draw_point(), PolynomialHash::draw_point()};
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

  Fingerprint finish() const { return {high_.finish(), low_.finish()}; }

 private:
  void step(std::uint64_t word) {
    high_.add(word);
    low_.add(word);
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

  const char* text_end_;
  PolynomialHash high_{Points::of_process().high, 1};
  PolynomialHash low_{Points::of_process().low, 1};
};

template <typename OnToken>
Fingerprint hash_of(std::string_view text, OnToken on_token) {
  Lexer lexer(text);
  LiteralRule rule;
  Hash hash(text);
  for (;;) {
    const Token token = lexer.next();
    if (token.kind == TokenKind::end) return hash.finish();
    if (token.kind == TokenKind::broken) return {};
    on_token(token);
    hash.add(token.kind, rule.keeps(token) ? token.text : std::string_view(text.data(), 0));
  }
}

}  // namespace

Fingerprint fingerprint(std::string_view text) {
  return hash_of(text, [](const Token&) {});
}

Fingerprint fingerprint(std::string_view text, std::vector<Span>& literals) {
  return hash_of(text, [&](const Token& token) {
    if (!counts_as_literal(token.kind)) return;
    literals.push_back({static_cast<std::size_t>(token.text.data() - text.data()), token.text.size()});
  });
}

}  // namespace forebay::sql
