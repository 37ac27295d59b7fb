#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::config {

/// Looks a variable up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of this process. Not thread safe against setenv, which nothing here calls.
Environment process_environment();

/// The largest text that expansion may produce, in bytes.
inline constexpr std::size_t kMaxExpandedBytes = 64 * 1024;

/// Replaces `${NAME}` and `${NAME:-default}` (used when NAME is not set or empty) by the environment's value,
/// and
/// `$${` by `${`. A value is taken as it is: what it holds is not expanded again and cannot add YAML
/// structure. What cannot be expanded is left out of the result and told in `complaints`.
std::string expand(std::string_view text, const Environment& environment,
                   std::vector<std::string>& complaints);

}  // namespace forebay::config
