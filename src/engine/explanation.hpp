#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/writer.hpp"

namespace forebay::engine {

/// The statement in "EXPLAIN (FOREBAY) statement"; nothing when the text is something else. A view into it.
std::optional<std::string_view> explained_statement(std::string_view text);

/// The answer to it, without the ReadyForQuery: one row of one text for each line.
void write_explanation(wire::Writer& writer, const std::vector<std::string>& lines);

}  // namespace forebay::engine
