#pragma once

#include <string>
#include <string_view>

namespace forebay::sql {

/// The text with $n in the place of every literal, to be shown to people who may not see data. Empty when it
/// cannot be parsed, or is so long that parsing might need a larger stack than there is. Allocates; thread
/// safe.
std::string without_values(std::string_view text);

}  // namespace forebay::sql
