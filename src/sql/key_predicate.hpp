#pragma once

#include <string>

namespace forebay::sql {

/// A comparison that every row taken from `relation` has to pass: `column = value`, joined by AND at the top
/// of WHERE. Names are folded as PostgreSQL folds them, without schemas.
struct KeyPredicate {
  std::string relation;
  std::string column;
  int parameter =
      0;  ///< from 1 on: $n without a cast, once in the text; 0: the value is a literal of the text
  int literal = -1;  ///< with parameter 0: which of the text's literals (see literals_of), from 0 on
  friend bool operator==(const KeyPredicate&, const KeyPredicate&) = default;
};

}  // namespace forebay::sql
