#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/error.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/result.hpp"

namespace forebay::monitor {

/// How a server would run a statement, or has run it.
struct Plan {
  /// The top node: what EXPLAIN tells in JSON of it, with keys like `node_type`, those below it in `plans`,
  /// and no values in its conditions.
  boost::json::object root;
  double total_cost = 0;
  /// Milliseconds; of EXPLAIN ANALYZE, otherwise 0.
  double planning_ms = 0;
  double execution_ms = 0;
};

/// What EXPLAIN (FORMAT JSON) has answered. An error for what is none, and for plans of more than 200 nodes
/// or 64 KiB.
Result<Plan> read_plan(std::string_view answer);

/// Of the JSON of a plan or a part of one, however deep.
boost::json::value parse_plan(std::string_view text, boost::json::error_code& error);

/// Equal for plans that do the same: by kinds of nodes, relations, indexes and joins, not by costs.
std::string shape_of(const boost::json::object& root);

/// What another plan does in other ways, in plain words; empty when their shapes are equal.
std::vector<std::string> plan_changes(const boost::json::object& before, const boost::json::object& after);

/// Those below a node.
std::vector<const boost::json::object*> below(const boost::json::object& node);

}  // namespace forebay::monitor
