#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::config {

/// The candidate that `word` was most likely meant to be, or nothing when none is close. Close means: at most
/// a third of the letters wrong, missing, added or swapped. Upper and lower case, '-', '_' and '.' count as
/// equal.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace forebay::config
