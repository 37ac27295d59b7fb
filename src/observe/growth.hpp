#pragma once

#include <array>
#include <cstddef>

namespace forebay::observe {

/// What counters that belong together have come to since `then`. A counter falls only where what it counts
/// for has been made anew: a pool, the statistics of a server. Then its whole set began at zero, and all that
/// it says has come since. Counters that live as long as the process never fall, and need no such look.
template <class Set, class Number, std::size_t N>
Set growth(const Set& now, const Set& then, const std::array<Number Set::*, N>& counters) {
  Set grown;
  for (const auto counter : counters) {
    if (now.*counter < then.*counter) return now;
    grown.*counter = now.*counter - then.*counter;
  }
  return grown;
}

}  // namespace forebay::observe
