#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace forebay::http {

/// What stands behind the question mark of a request, with its percent signs read. One key of `known` each,
/// at most once; anything else is an error that names it.
Result<std::map<std::string, std::string>> parameters_of(std::string_view query,
                                                         const std::vector<std::string_view>& known);

/// The whole text as a number from `least` to `most`.
Result<std::uint64_t> number_of(std::string_view text, std::uint64_t least, std::uint64_t most);

}  // namespace forebay::http
