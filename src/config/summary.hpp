#pragma once

#include <string>

#include "config/settings.hpp"

namespace forebay::config {

/// Whether reads are answered from memory, and how: "on, 256MiB, level auto, staleness 1s".
std::string cache_line(const Cache& cache);

/// What a daemon with these settings would do, in about ten lines for people. Holds no secret.
std::string summary(const Settings& settings);

}  // namespace forebay::config
