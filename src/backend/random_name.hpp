#pragma once

#include <random>
#include <string>

#include <fmt/format.h>

namespace forebay::backend {

/// 32 digits that nobody else has, or guesses.
inline std::string random_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace forebay::backend
