#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace forebay::sql {

/// The numbers of the parameters of `text` that set_config() gets as names of settings. Nothing when a name
/// may come from elsewhere: as anything but a constant or `$n`, perhaps with `::text` behind it. Thread safe.
std::optional<std::vector<int>> set_config_parameters(std::string_view text);

}  // namespace forebay::sql
