#pragma once

#include <string>

#include "config/settings.hpp"

namespace forebay::config {

/// What a daemon with these settings would do, in about ten lines for people. Holds no secret.
std::string summary(const Settings& settings);

}  // namespace forebay::config
