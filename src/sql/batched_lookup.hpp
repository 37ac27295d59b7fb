#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace forebay::sql {

/// A read by one key, `column = $n`, and the read that asks for many keys at once.
struct BatchedLookup {
  int parameter;       ///< n
  std::string column;  ///< as SQL names it
  std::string text;    ///< with `= ANY($n)` in its place
};

/// The ways to ask for many keys what `text` asks for one. `text`: a SELECT with a parameter in the place of
/// every value, as without_values() writes it. The key is among the columns of the result, so that rows can
/// be told apart; aggregates are grouped by it; a LIMIT at the end, which counted for each key, is left out.
///
/// Empty where the result would not be the sum of those of the keys: GROUP BY, HAVING, OFFSET, DISTINCT ON,
/// UNION, window functions, locks. Parses the text: some tens of microseconds. Thread safe.
std::vector<BatchedLookup> batched_lookups(const std::string& text);

}  // namespace forebay::sql
