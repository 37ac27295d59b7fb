#include "http/readiness.hpp"

#include <optional>
#include <string>
#include <utility>

namespace forebay::http {

namespace {

using advise::Trouble;

/// Why a server that runs does not let the watch in. Others come in by their own names, to their own
/// databases.
bool is_refusal(std::string_view reason) {
  return reason.find("failed: FATAL:") != std::string_view::npos &&
         reason.find("the database system is") == std::string_view::npos;
}

/// What speaks against the place that writes go to. Of a server that nobody watches nothing is known.
std::optional<Trouble> trouble_with_primary(pgfront::Front& front) {
  const auto topology = front.directory().board().topology();
  if (topology->servers.empty()) return std::nullopt;
  const bool is_alone = topology->servers.size() == 1;
  if (is_alone) {
    // Whatever it says it is, clients are sent there.
    const route::Server& server = topology->servers.front();
    if (is_refusal(server.reason)) return std::nullopt;
    if (server.state == route::State::down) return Trouble{"server_down", server.name + ": " + server.reason};
    if (server.role == route::Role::unknown)
      return Trouble{"server_unknown", server.name + ": " + server.reason};
    return std::nullopt;
  }
  if (!topology->primary) return Trouble{"no_primary", "no server is known to be the primary"};
  const route::Server& primary = topology->servers[*topology->primary];
  if (primary.state == route::State::up && !front.directory().is_primary_held()) return std::nullopt;
  return Trouble{"no_primary", primary.name + " was the primary and is " + to_text(primary.state) +
                                   (primary.reason.empty() ? "" : ": " + primary.reason)};
}

}  // namespace

std::vector<Trouble> troubles_of(pgfront::Front& front) {
  std::vector<Trouble> troubles;
  if (front.is_draining() || front.is_closed())
    troubles.push_back({"shutting_down", "the process takes no new clients and is about to end"});
  if (front.directory().is_paused("")) troubles.push_back({"paused", "all databases are paused"});
  if (auto trouble = trouble_with_primary(front)) troubles.push_back(std::move(*trouble));
  return troubles;
}

}  // namespace forebay::http
