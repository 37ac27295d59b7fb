#pragma once

#include <iosfwd>

#include "config/loader.hpp"

namespace forebay {

/// `forebay check`: tells every mistake on `err`, or what would run on `out` (every setting when `all`).
/// Returns the exit code: 0 without mistakes, 1 with.
int check_command(const config::LoadRequest& request, bool all, std::ostream& out, std::ostream& err);

}  // namespace forebay
