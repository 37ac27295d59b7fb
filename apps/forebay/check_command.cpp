#include "check_command.hpp"

#include <ostream>

#include <fmt/format.h>

#include "config/options.hpp"
#include "config/summary.hpp"

namespace forebay {

int check_command(const config::LoadRequest& request, bool all, std::ostream& out, std::ostream& err) {
  const config::Loaded loaded = config::load_all(request);
  if (!loaded.settings) {
    const std::size_t count = loaded.problems.size();
    err << config::to_string(loaded.problems) << '\n'
        << fmt::format("{} mistake{}\n", count, count == 1 ? "" : "s");
    return 1;
  }
  out << (request.file.empty() ? "The flags" : request.file) << ": no mistakes. This would run:\n"
      << config::summary(*loaded.settings);
  if (all) {
    out << "\nEvery setting (* differs from the default):\n";
    for (const config::SettingLine& line : config::list_settings(*loaded.settings)) {
      out << fmt::format("{} {:<32} {}\n", line.value == line.default_value ? ' ' : '*', line.key,
                         line.value);
    }
  }
  return 0;
}

}  // namespace forebay
