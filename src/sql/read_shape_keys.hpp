#pragma once

#include <vector>

#include <boost/json/object.hpp>

#include "sql/key_predicate.hpp"
#include "sql/read_shape_text.hpp"
#include "sql/read_shape_walk.hpp"

namespace forebay::sql {

/// The key predicates of a SELECT whose tree `walk` has read; `select` is the body of its SelectStmt.
std::vector<KeyPredicate> key_predicates(const boost::json::object& select, const ShapeText& text,
                                         const ReadShapeWalk& walk);

}  // namespace forebay::sql
