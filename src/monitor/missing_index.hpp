#pragma once

#include <string>

#include "sql/fingerprint.hpp"

namespace forebay::monitor {

/// What the plan of a slow statement wants (plan_findings.hpp, `sequential_scan`).
struct MissingIndex {
  sql::Fingerprint fingerprint;
  std::string database;
  std::string text;        ///< what is wrong, as the end of a sentence
  std::string evidence;    ///< the figures that say so
  std::string suggestion;  ///< a statement of SQL
};

}  // namespace forebay::monitor
