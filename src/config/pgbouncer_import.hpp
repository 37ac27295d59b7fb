#pragma once

#include <string>
#include <vector>

#include "config/problem.hpp"

namespace forebay::config {

/// PgBouncer's set-up in Forebay's words.
struct PgbouncerImport {
  std::string yaml;                   ///< the configuration file, with what follows as comments at its top
  std::vector<std::string> lost;      ///< what could not be carried, and why
  std::vector<std::string> unneeded;  ///< what Forebay does without
  std::vector<Problem> problems;      ///< what is broken in the ini; not empty: `yaml` may lack something
};

/// Reads pgbouncer.ini, the files that it includes and its auth_file. Defaults of PgBouncer that differ from
/// Forebay's are written out, so that the same set-up results. Blocks on the file system.
PgbouncerImport import_pgbouncer(const std::string& ini_file);

}  // namespace forebay::config
