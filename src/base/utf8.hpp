#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace forebay {

/// Length in bytes of the UTF-8 character at the start of `text`, which is not empty; 0 when there is none.
std::size_t utf8_length(std::string_view text);

/// Whether all of `text` is UTF-8.
bool is_utf8(std::string_view text);

/// The same, with U+FFFD in the place of each byte that belongs to no character.
std::string as_utf8(std::string_view text);

/// At most `longest` bytes of the beginning of `text`, no character of UTF-8 cut in two. Takes any bytes.
std::string_view utf8_prefix(std::string_view text, std::size_t longest);

}  // namespace forebay
