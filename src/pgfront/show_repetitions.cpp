#include <utility>

#include "pgfront/front.hpp"
#include "pgfront/repetition_report.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

void repetitions(const ShowRequestPtr& request, ShowDone done) {
  gather_repetitions(request->inquiry(), [request, done = std::move(done)](const auto& all) {
    RowWriter rows(request->columns, request->formats);
    for (const engine::Repetition& each : all) {
      const engine::RepetitionFigures& figures = each.figures;
      rows.text(each.database).text(name_of(each.kind)).text(each.text);
      rows.text(each.is_confirmed() ? "yes" : "no").text(places_of(each));
      rows.number(figures.windows).number(figures.executions).number(figures.most);
      rows.milliseconds(figures.micros);
      rows.text_or_null(each.source.text).text_or_null(each.source.column).text_or_null(each.rewrite);
      rows.text(timestamp(figures.first_seen)).text(timestamp(figures.last_seen));
    }
    done(std::string(as_text(rows.bytes())));
  });
}

}  // namespace forebay::pgfront::show
