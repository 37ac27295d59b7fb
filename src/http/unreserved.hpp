#pragma once

#include <string_view>

#include "base/ascii.hpp"

namespace forebay::http {

/// A character of a URL that never stands for another, and has one spelling
/// (https://www.rfc-editor.org/rfc/rfc3986#section-2.3).
constexpr bool is_unreserved(char c) {
  return is_letter_or_digit(c) || std::string_view("-._~").find(c) != std::string_view::npos;
}

}  // namespace forebay::http
