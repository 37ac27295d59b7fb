#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/problem.hpp"

/// PgBouncer's configuration files (https://www.pgbouncer.org/config.html).
namespace forebay::config {

/// One `key = value` of an ini file, the files that it includes among them.
struct IniLine {
  std::string section;
  std::string key;
  std::string value;
  Location where;
};

/// Reads the file and those that it includes; what is not of the format is added to `problems`. A relative
/// name of an included file starts from the current directory, as in PgBouncer, or else from the including
/// file's. Bounded in size, in depth and in number of files.
std::vector<IniLine> read_pgbouncer_ini(const std::string& file, std::vector<Problem>& problems);

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Takes a connection string apart: key=value pairs, values with blanks in single quotes. Nothing when it is
/// broken.
std::optional<Pairs> parse_connection_string(std::string_view text);

/// The users and secrets of an auth_file: "name" "secret" per line. Nothing when the file cannot be read.
std::optional<Pairs> read_user_list(const std::string& file);

}  // namespace forebay::config
