#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace forebay::sql {

/// Names a statement without its data: texts that differ only in white space, comments and the values of
/// literals that do not matter have the same one, and texts with the same one have the same verdict. Case
/// matters, so do the numbers of parameters. All texts that PostgreSQL's scanner would refuse share one.
/// Valid within this process only.
struct Fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend constexpr bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// Takes any bytes. One pass, no allocation, thread safe.
///
/// The tokens are hashed twice by a PolynomialHash, at two points that are drawn when the process starts. So
/// for any two streams of tokens, made by whomever, of at most n words of seven bytes, the chance to get the
/// same fingerprint is at most (n / 2^59)^2: under 2^-76 for texts of a megabyte.
Fingerprint fingerprint(std::string_view text);

/// A part of a text, in bytes.
struct Span {
  std::size_t offset;
  std::size_t size;
};

/// The same, and where literals_of() finds literals is added to `literals`.
Fingerprint fingerprint(std::string_view text, std::vector<Span>& literals);

}  // namespace forebay::sql
