#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace forebay::monitor {

/// A table that is read as a whole for the rows in which certain columns have certain values.
struct FilteredScan {
  std::string schema;
  std::string table;
  std::vector<std::string> columns;       ///< as SQL writes them
  std::vector<std::string> cast_columns;  ///< those of them that are compared as text
  double rows = 0;                        ///< that the server expects to be left
};
std::vector<FilteredScan> filtered_scans(const boost::json::object& root);

/// Asks how large these tables are, and what indexes they have. Its answer is a row with JSON.
std::string facts_question(const std::vector<FilteredScan>& scans);

/// The kind of a finding that suggests an index.
inline constexpr std::string_view kSequentialScan = "sequential_scan";

/// What is to be mended: objects with `kind`, `text`, `evidence`, and `suggestion`, a statement of SQL, or
/// null. `facts`: the answer to facts_question(); empty: there is none. Allocates; thread safe.
boost::json::array plan_findings(const boost::json::object& root, std::string_view facts);

}  // namespace forebay::monitor
