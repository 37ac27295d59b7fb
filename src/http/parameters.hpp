#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/query_keys.hpp"

namespace forebay::http {

/// What stands behind the question mark of a request, with its percent signs read. One key of `known` each,
/// at most once; anything else is an error that names it.
Result<std::map<std::string, std::string>> parameters_of(std::string_view query,
                                                         std::span<const QueryKey> known);

/// A piece of a path with its percent signs read; nothing when they are not followed by two digits.
std::optional<std::string> decoded(std::string_view text);

/// The whole text as a number from `least` to `most`.
Result<std::uint64_t> number_of(std::string_view text, std::uint64_t least, std::uint64_t most);

}  // namespace forebay::http
