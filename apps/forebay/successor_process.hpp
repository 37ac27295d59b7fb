#pragma once

#include <sys/types.h>

#include "base/result.hpp"

namespace forebay {

/// Starts the program of this process again, with its command line, its environment and --takeover: what is
/// installed now under the name that this process was started by.
Result<pid_t> start_successor();

}  // namespace forebay
