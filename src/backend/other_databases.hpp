#pragma once

#include <cstddef>
#include <string_view>

namespace forebay::backend {

/// Databases that figures are told apart by: clients may make names up where the configuration lets any of
/// them in.
inline constexpr std::size_t kMostDatabases = 500;
/// The name for all the others together.
inline constexpr std::string_view kOtherDatabases = "(others)";

}  // namespace forebay::backend
