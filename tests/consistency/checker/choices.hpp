#pragma once

#include <vector>

#include "world.hpp"

namespace checker {

/// One statement in one form.
struct Choice {
  Register* target;
  const std::string* shape;
  Protocol protocol;
  Format format;

  Query query() const { return read_query(*target, *shape); }
};

/// What to read or write next. Everybody prefers the same few for a while, so that they are in the cache when
/// they are written; then others take their place. Every thread has its own.
class Choices {
 public:
  Choices(World& world, std::uint64_t seed, Instant start) : world_(world), seed_(seed), start_(start) {}

  Choice read(Random& random);
  /// Rows, or what only DDL writes.
  Register& write(Random& random, bool catalog);

 private:
  void look_at_the_clock();
  Choice any(Random& random);

  World& world_;
  const std::uint64_t seed_;
  const Instant start_;
  std::int64_t era_ = -1;
  std::vector<Choice> hot_;
};

}  // namespace checker
