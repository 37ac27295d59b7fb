#include "choices.hpp"

namespace checker {

namespace {

constexpr std::chrono::seconds kEra{3};
constexpr int kHot = 30;
constexpr int kReadsOfHot = 85;   // percent
constexpr int kWritesOfHot = 50;  // percent

}  // namespace

void Choices::look_at_the_clock() {
  const std::int64_t era = (Clock::now() - start_) / kEra;
  if (era == era_) return;
  era_ = era;
  Random random(seed_ * 1'000'003 + static_cast<std::uint64_t>(era));
  hot_.clear();
  while (hot_.size() < kHot) hot_.push_back(any(random));
}

Choice Choices::any(Random& random) {
  auto& all = world_.registers();
  Register& target = *all[static_cast<std::size_t>(below(random, static_cast<int>(all.size())))];
  const auto& shapes = target.family.reads;
  const int shape = below(random, 2) ? 0 : below(random, static_cast<int>(shapes.size()));
  return {&target, &shapes[static_cast<std::size_t>(shape)],
          static_cast<Protocol>(below(random, target.family.prepared_is_safe ? 3 : 2)),
          below(random, 2) ? Format::text : Format::binary};
}

Choice Choices::read(Random& random) {
  look_at_the_clock();
  if (below(random, 100) < kReadsOfHot) return hot_[static_cast<std::size_t>(below(random, kHot))];
  return any(random);
}

Register& Choices::write(Random& random, bool catalog) {
  look_at_the_clock();
  const bool of_hot = below(random, 100) < kWritesOfHot;
  for (int tries = 0; tries < kHot && of_hot; ++tries) {
    Register& target = *hot_[static_cast<std::size_t>(below(random, kHot))].target;
    if (target.family.is_catalog == catalog) return target;
  }
  while (true) {
    Register& target = *any(random).target;
    if (target.family.is_catalog == catalog) return target;
  }
}

}  // namespace checker
