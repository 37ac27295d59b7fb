#include "pgfront/facts.hpp"
#include "pgfront/show_commands.hpp"

namespace forebay::pgfront::show {

void topology(const ShowRequestPtr& request, ShowDone done) {
  RowWriter rows(request->columns, request->formats);
  for (const ServerFacts& facts : server_facts(request->front)) {
    if (!facts.is_watched) continue;
    const route::Server& server = facts.server;
    rows.text(server.name).text(to_text(server.role)).text(to_text(server.state)).text(server.reason);
    rows.number(server.weight);
    facts.lag_ms ? rows.number(*facts.lag_ms) : rows.null();
    rows.text(position_text(server.position))
        .number(server.timeline)
        .number(facts.backends)
        .number(facts.assignments)
        .text(server.zone);
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
