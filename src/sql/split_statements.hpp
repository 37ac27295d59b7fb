#pragma once

#include <string_view>
#include <vector>

namespace forebay::sql {

/// The statements of a text with several, in order, as views into it: what stands between semicolons outside
/// of parentheses, where that is not empty. The body of an SQL-standard function (BEGIN ATOMIC … END) is cut
/// as well: who needs to be certain compares with Verdict::statements.
std::vector<std::string_view> split_statements(std::string_view text);

}  // namespace forebay::sql
