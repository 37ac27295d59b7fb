#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "sql/key_predicate.hpp"

namespace forebay::sql {

/// What a text reads, and what in it forbids that its result be kept and given to somebody else later.
/// Names are folded as PostgreSQL folds them, without their schemas, sorted, each once.
struct ReadShape {
  /// A cast of something that is neither a constant nor a parameter: a text of the data, or one that is put
  /// together, may hold 'today'.
  struct ComputedCast {
    std::string type;
    std::string column;    ///< what is cast, if it is a column, certainly of a relation and not renamed
    std::string function;  ///< what is cast, if it is the result of a function
    friend auto operator<=>(const ComputedCast&, const ComputedCast&) = default;
  };

  /// Why the text alone decides that the result is not kept, in plain words ("it locks rows", "it is not a
  /// read", "now() differs from call to call"); empty: it does not.
  std::string refusal;
  std::vector<std::string> relations;  ///< in FROM, sub-selects, WITH …; names that WITH itself gives left
                                       ///< out only where that is certain
  std::vector<std::string> functions;  ///< called by name, aggregates and window functions too
  std::vector<std::string> operators;
  std::vector<std::string> types;            ///< of casts
  std::vector<ComputedCast> computed_casts;  ///< sorted, each once
  std::vector<std::string> fields;  ///< last parts of row.name: functions that take a row can be called so
  std::vector<std::string> attributes;  ///< last parts of (…).name and, where a function stands in FROM, of
                                        ///< a.name, too: any function can be called so
  std::vector<KeyPredicate> keys;  ///< of relations that are named once in the whole statement, and not on
                                   ///< the nullable side of a join

  friend bool operator==(const ReadShape&, const ReadShape&) = default;
};

/// Parses `text`. Equal for texts of equal fingerprint (fingerprint.hpp), so that it can be remembered by it.
/// Costs tens of microseconds. Thread safe; never throws; any bytes.
ReadShape read_shape(std::string_view text);

/// The literals of a text in their order, as they stand there (quotes, prefixes and all). Those of a text
/// that PostgreSQL's scanner would refuse end where it does.
std::vector<std::string_view> literals_of(std::string_view text);

/// Whether a value, a parameter's or a literal as it stands in a text, can mean another moment each time it
/// is read: 'now', 'today', 'tomorrow', 'yesterday' and whatever holds one of them as a word
/// (https://www.postgresql.org/docs/15/datatype-datetime.html, 8.5.1.4). Errs to the side of caution.
bool speaks_of_today(std::string_view value);
/// Whether a literal of the text does.
bool has_moving_literal(std::string_view text);

}  // namespace forebay::sql
