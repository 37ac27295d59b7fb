#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace forebay::wire {

/// What the start-up parameter `options` sets `name` (in lower case) to, by `-c name=value` or
/// `--name=value`. The last one counts.
/// https://www.postgresql.org/docs/15/libpq-connect.html#LIBPQ-CONNECT-OPTIONS
std::optional<std::string> option_setting(std::string_view options, std::string_view name);

}  // namespace forebay::wire
