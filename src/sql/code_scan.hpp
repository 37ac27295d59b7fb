#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/verdict.hpp"

namespace forebay::sql {

/// What the source of a function, a rule, a default … may do to the session, as far as its words tell.
struct CodeFacts {
  /// Of what it does itself; what it calls is in `words`. Plain SQL that only reads or writes has none, but
  /// that an INSERT may draw numbers from sequences.
  Effects effects;
  /// Settings with a dot in their name that it sets for longer than the transaction.
  std::vector<std::string> settings;
  /// Every identifier in it, strings included, in lower case, sorted, each once: whatever functions and
  /// relations it uses are among them.
  std::vector<std::string> words;
  /// Something in it may change data, or is made up at run time.
  bool may_write = false;
  /// Writes to relations whose names are made up at run time.
  bool writes_anywhere = false;
};

/// Reads `source` (SQL, PL/pgSQL or an expression) word by word. Strings in it are read as if they were run,
/// since EXECUTE may do so. What it cannot tell counts as Effect::runs_code: EXECUTE of a variable, and text
/// that is cut in the middle of a string. Does not see names that are put together from pieces of words.
/// Thread safe.
CodeFacts read_code(std::string_view source);

}  // namespace forebay::sql
