#include "pgfront/console_service.hpp"
#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

void recommendations(const ShowRequestPtr& request, ShowDone done) {
  const AdvicePtr advice = request->front.console_service().advice();
  RowWriter rows(request->columns, request->formats);
  if (advice != nullptr) {
    for (const AdviceLine& line : *advice) {
      rows.text(line.urgency).text(line.title).text(line.evidence).text_or_null(line.gain);
      rows.text(line.advice).text_or_null(line.change).text(line.id);
    }
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
