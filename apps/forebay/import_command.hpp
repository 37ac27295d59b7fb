#pragma once

#include <iosfwd>
#include <string>

namespace forebay {

/// `forebay import`: prints PgBouncer's set-up as YAML on `out`, and what it could not carry on `err`.
/// Returns the exit code: 0, or 1 when the file cannot be read or is not PgBouncer's.
int import_command(const std::string& ini_file, std::ostream& out, std::ostream& err);

}  // namespace forebay
