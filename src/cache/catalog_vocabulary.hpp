#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "sql/read_shape.hpp"
#include "wire/data_row.hpp"

namespace forebay::cache {

/// What a database's functions, operators, types and casts say about results: may one be kept that was made
/// with them? All that share a name are taken together.
class CatalogVocabulary {
 public:
  /// A row of catalog_question(). False when it is of a kind that is not for this, or not understood.
  bool add(const wire::Row& row);
  /// Nothing that is judged may be kept any more.
  void refuse_everything(std::string why) { refusal_of_everything_ = std::move(why); }

  /// Why nothing made with what `shape` names may be kept; empty: it may. Relations are left out.
  std::string refusal(const sql::ReadShape& shape) const;
  /// AT TIME ZONE is in it, by which a time of day becomes one of today's summer or winter time.
  bool turns_times_to_zones(const sql::ReadShape& shape) const;
  /// Something in it makes times of day.
  bool makes_times(const sql::ReadShape& shape) const;
  /// Users have made an operator = that may compare keys, so that nothing is known about them.
  bool keys_compare_otherwise() const { return keys_compare_otherwise_; }

 private:
  struct Function {
    bool is_known = false;  ///< depends on nothing but its arguments and settings
    bool takes_row = false;
    bool makes_time = false;
  };
  enum class CastRule : std::uint8_t { any, constants, none };

  std::string function_refusal(std::string_view name) const;
  std::string operator_refusal(const sql::ReadShape& shape) const;
  std::string cast_refusal(const sql::ReadShape& shape) const;
  std::string field_refusal(const sql::ReadShape& shape) const;
  CastRule cast_rule(const std::string& type) const;
  bool is_moment(const sql::ReadShape::ComputedCast& cast) const;

  std::string refusal_of_everything_;
  std::map<std::string, Function, std::less<>> functions_;
  std::set<std::string, std::less<>> unknown_operators_;
  std::map<std::string, CastRule, std::less<>> types_;  ///< of users
  std::set<std::string, std::less<>> moment_columns_;
  std::set<std::string, std::less<>> moment_functions_;
  bool keys_compare_otherwise_ = false;
  bool has_foreign_row_function_ = false;  ///< one whose name is not ASCII takes rows
};

}  // namespace forebay::cache
