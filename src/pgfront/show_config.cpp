#include <fmt/format.h>

#include "config/options.hpp"
#include "config/values.hpp"
#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

namespace {

/// PgBouncer writes durations in seconds, booleans as 0 and 1.
std::string as_pgbouncer_writes(const config::Option& option, const std::string& text) {
  if (option.kind == config::Kind::duration) {
    const auto duration = config::parse_duration(text, option.range);
    if (duration) return fmt::format("{}", static_cast<double>(duration->count()) / 1000);
  }
  if (option.kind == config::Kind::boolean) return text == "true" ? "1" : "0";
  return text;
}

}  // namespace

/// Under our own names; for ConsoleView::pgbouncer the settings that PgBouncer has too, under its names.
void config(const ShowRequestPtr& request, ShowDone done) {
  RowWriter rows(request->columns, request->formats);
  for (const config::SettingLine& line : config::list_settings(*request->front.settings())) {
    const config::Option* option = config::find_option(config::Scope::global, line.key);
    const char* changeable = line.changeable ? "yes" : "no";
    if (request->view == ConsoleView::forebay) {
      rows.text(line.key).text(line.value).text(line.default_value).text(changeable);
    } else if (option != nullptr && !option->pgbouncer.empty()) {
      rows.text(option->pgbouncer).text(as_pgbouncer_writes(*option, line.value));
      rows.text(as_pgbouncer_writes(*option, line.default_value)).text(changeable);
    }
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
