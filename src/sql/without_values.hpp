#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace forebay::sql {

/// The text with $n in the place of every literal, without comments, and with one space where there was white
/// space, to be shown to people who may not see data. At most `longest` bytes of it. Empty when PostgreSQL's
/// scanner would refuse the text. Expects a text that the server reads with standard_conforming_strings on
/// and in an encoding that does not embed ASCII. Allocates; thread safe.
std::string without_values(std::string_view text, std::size_t longest);

}  // namespace forebay::sql
