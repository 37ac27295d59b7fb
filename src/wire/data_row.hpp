#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::wire {

/// One row; a missing value is NULL.
using Row = std::vector<std::optional<std::string>>;

/// The columns of a DataRow's body. Empty when the body breaks the rules.
std::optional<Row> parse_data_row(std::string_view body);

}  // namespace forebay::wire
