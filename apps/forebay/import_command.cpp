#include "import_command.hpp"

#include <ostream>

#include "config/pgbouncer_import.hpp"

namespace forebay {
namespace {

void print_list(std::ostream& err, const char* title, const std::vector<std::string>& list) {
  if (list.empty()) return;
  err << title << '\n';
  for (const std::string& text : list) err << "  " << text << '\n';
}

}  // namespace

int import_command(const std::string& ini_file, std::ostream& out, std::ostream& err) {
  const config::PgbouncerImport import = config::import_pgbouncer(ini_file);
  if (!import.problems.empty()) {
    err << config::to_string(import.problems) << "\nNothing was imported.\n";
    return 1;
  }
  out << import.yaml;
  print_list(err, "Could not be carried over:", import.lost);
  print_list(err, "Not needed:", import.unneeded);
  return 0;
}

}  // namespace forebay
