#pragma once

#include <vector>

#include "config/options.hpp"

/// The table behind options() and sections(): the one list of everything that can be configured.
namespace forebay::config {

std::vector<Option> option_rows();
std::vector<Section> section_rows();

}  // namespace forebay::config
