#pragma once

#include <iosfwd>
#include <string>

namespace forebay {

struct GenerateOptions {
  std::string what;         ///< schema, reference, prometheus-rules, grafana
  std::string config_file;  ///< with the rules of alerts; empty: those that hold by default
};

/// `forebay generate`: prints what is made from the program's tables. Returns the exit code.
int generate_command(const GenerateOptions& options, std::ostream& out, std::ostream& err);

}  // namespace forebay
