#pragma once

#include <optional>
#include <string_view>

#include "sql/verdict.hpp"

namespace forebay::sql {

/// What calling a function of PostgreSQL 15's own may do besides returning a value; nothing when `name`
/// (without its schema, folded) is none of them. Sees names only: of overloaded functions the worst counts.
/// Some functions that change nothing count as Effect::writes because only the primary can answer them as a
/// client of it expects.
std::optional<Effects> builtin_function(std::string_view name);

}  // namespace forebay::sql
