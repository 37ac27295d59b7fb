#pragma once

#include <cstddef>

#include "http/figures.hpp"

/// Each pool, user and database has samples of its own in the metrics, and each login by a new name makes
/// more of them; whoever keeps them pays for every one for as long as he keeps any.
namespace forebay::http {

/// Of each. With fourteen samples a pool that is 7,000 lines.
inline constexpr std::size_t kMostLabelled = 500;

bool has_too_many(const Figures& figures);

/// Takes out of the figures all but the busiest, by what they have carried or have open, and notes how many
/// those are. What is counted of all together stays.
void keep_busiest(Figures& figures);

}  // namespace forebay::http
