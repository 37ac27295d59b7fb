#include "check_command.hpp"

#include <ostream>

#include <fmt/format.h>

#include "check_files.hpp"
#include "config/options.hpp"
#include "config/summary.hpp"

namespace forebay {
namespace {

void print_settings(const std::vector<config::SettingLine>& lines, std::ostream& out) {
  for (const config::SettingLine& line : lines) {
    out << fmt::format("{} {:<32} {}\n", line.value == line.default_value ? ' ' : '*', line.key, line.value);
  }
}

}  // namespace

int check_command(const config::LoadRequest& request, bool all, std::ostream& out, std::ostream& err) {
  const config::Loaded loaded = config::load_all(request);
  const auto problems = loaded.settings ? check_files(loaded) : loaded.problems;
  if (!problems.empty()) {
    err << config::to_string(problems) << '\n'
        << fmt::format("{} mistake{}\n", problems.size(), problems.size() == 1 ? "" : "s");
    return 1;
  }
  const config::Settings& settings = *loaded.settings;
  for (const std::string& directory : missing_directories(settings)) {
    err << fmt::format(
        "Note: there is no directory {} yet; make it before serve starts (systemd makes the one of "
        "RuntimeDirectory=)\n",
        directory);
  }
  out << (request.file.empty() ? "The flags" : request.file) << ": no mistakes. This would run:\n"
      << config::summary(settings);
  if (all) {
    out << "\nEvery setting (* differs from the default):\n";
    print_settings(config::list_settings(settings), out);
    print_settings(config::list_entries(settings), out);
  }
  return 0;
}

}  // namespace forebay
