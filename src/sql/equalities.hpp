#pragma once

#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "sql/key_predicate.hpp"
#include "sql/read_shape_text.hpp"

namespace forebay::sql {

/// `column = value`, either way round, where the value is a parameter or a literal.
struct Equality {
  const boost::json::array* column;  ///< the parts of its name, as in the tree
  KeyPredicate predicate;            ///< without the names
};

/// Those that are joined by AND at the top of the WHERE of a SELECT, UPDATE or DELETE. The tree has to
/// outlive the result.
std::vector<Equality> equalities(const boost::json::object& statement, const ShapeText& text);

/// Whether `value` is a parameter or a literal of the text; if so, `key` says which.
bool read_value(const boost::json::value& value, const ShapeText& text, KeyPredicate& key);

}  // namespace forebay::sql
