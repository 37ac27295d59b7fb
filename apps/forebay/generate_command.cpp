#include "generate_command.hpp"

#include <ostream>

#include "alert/generated.hpp"
#include "config/loader.hpp"
#include "config/reference.hpp"

namespace forebay {

int generate_command(const GenerateOptions& options, std::ostream& out, std::ostream& err) {
  if (options.what == "schema") {
    out << config::json_schema();
    return 0;
  }
  if (options.what == "reference") {
    out << config::reference();
    return 0;
  }
  config::Alerts alerts;
  if (!options.config_file.empty()) {
    config::LoadRequest request;
    request.file = options.config_file;
    const auto settings = config::load(request);
    if (!settings) {
      err << settings.error().text << '\n';
      return 1;
    }
    alerts = (*settings)->alerts;
  }
  out << (options.what == "grafana" ? alert::grafana_dashboard(alerts) : alert::prometheus_rules(alerts));
  return 0;
}

}  // namespace forebay
