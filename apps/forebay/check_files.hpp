#pragma once

#include <vector>

#include "config/loader.hpp"

namespace forebay {

/// What is wrong with the files that a right configuration names, found by the loaders that `serve` uses:
/// certificates, keys, authorities, the user list, the directories of Unix sockets.
std::vector<config::Problem> check_files(const config::Loaded& loaded);

/// What `serve` will need and what may still come: the directories of Unix sockets.
std::vector<std::string> missing_directories(const config::Settings& settings);

}  // namespace forebay
