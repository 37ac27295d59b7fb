#pragma once

#include <cstddef>
#include <string_view>

namespace forebay::config {

/// Length in bytes of the UTF-8 character at the start of `text`, which is not empty; 0 when there is none.
std::size_t utf8_length(std::string_view text);

/// Whether all of `text` is UTF-8.
bool is_utf8(std::string_view text);

}  // namespace forebay::config
