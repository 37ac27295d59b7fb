#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sql/key_predicate.hpp"

namespace forebay::sql {

/// What a plain write changes: an INSERT of values, an UPDATE or a DELETE of one relation, without WITH,
/// FROM, USING, or sub-selects. Names are folded as PostgreSQL folds them, without their schemas.
struct WriteShape {
  enum class Kind : std::uint8_t { none, insert, update, remove };

  Kind kind = Kind::none;  ///< none: the text is something else
  std::string relation;
  /// What holds for each row that is changed: as it was, and as it is if the column is not `assigned`. Of an
  /// INSERT of one row, the values that it gets; of one with ON CONFLICT DO UPDATE, only the one that would
  /// conflict.
  std::vector<KeyPredicate> keys;
  std::vector<std::string> assigned;  ///< columns that an UPDATE, or DO UPDATE, gives new values to

  friend bool operator==(const WriteShape&, const WriteShape&) = default;
};

/// Parses `text`. Equal for texts of equal fingerprint (fingerprint.hpp). Costs tens of microseconds. Thread
/// safe; never throws; any bytes.
WriteShape write_shape(std::string_view text);

}  // namespace forebay::sql
