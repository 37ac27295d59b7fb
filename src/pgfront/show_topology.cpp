#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "pgfront/front.hpp"
#include "pgfront/show_commands.hpp"
#include "route/topology.hpp"

namespace forebay::pgfront::show {

namespace {

/// As PostgreSQL writes a pg_lsn.
std::string position_text(route::Position position) {
  return fmt::format("{:X}/{:X}", position >> 32U, position & 0xFFFFFFFFU);
}

void write_lag(RowWriter& rows, const route::Topology& topology, const route::Server& server) {
  if (server.role != route::Role::replica || server.covered == TimePoint()) {
    rows.null();
    return;
  }
  const auto lag = std::chrono::duration_cast<Duration>(topology.primary_seen - server.covered).count();
  rows.number(static_cast<std::uint64_t>(std::max<std::int64_t>(lag, 0)));
}

}  // namespace

void topology(const ShowRequestPtr& request, ShowDone done) {
  const auto& directory = request->front.directory();
  const auto topology = directory.board().topology();
  std::map<std::string, backend::ServerUse> uses = directory.use_by_server();
  RowWriter rows(request->columns, request->formats);
  for (std::size_t at = 0; at < topology->servers.size(); ++at) {
    const route::Server& server = topology->servers[at];
    const backend::ServerUse& use = uses[server.name];
    rows.text(server.name).text(to_text(server.role)).text(to_text(server.state)).text(server.reason);
    rows.number(server.weight);
    write_lag(rows, *topology, server);
    rows.text(position_text(server.position))
        .number(server.timeline)
        .number(use.backends)
        .number(use.assignments);
  }
  done(std::string(as_text(rows.bytes())));
}

}  // namespace forebay::pgfront::show
