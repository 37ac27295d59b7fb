#pragma once

#include <string_view>

#include "sql/verdict.hpp"

namespace forebay::sql {

/// What a statement may do by its kind alone; details such as SET LOCAL or COPY's direction add to it. `kind`
/// is the name of the parser's node, for example "InsertStmt". A kind that is not known may do anything.
Effects statement_effects(std::string_view kind);

}  // namespace forebay::sql
