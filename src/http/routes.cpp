#include "http/routes.hpp"

#include <algorithm>

#include "http/handlers.hpp"

namespace forebay::http {

const std::vector<Route>& routes() {
  static const std::vector<Route> all = {
      {"GET", "/metrics", Role::viewer, "Metrics for Prometheus, as text or as OpenMetrics.", "text/plain",
       handlers::metrics},
      {"GET", "/health", Role::none, "Whether clients can be served, and if not, why.", "health",
       handlers::ready},
      {"GET", "/health/live", Role::none, "Whether the process answers at all.", "health", handlers::live},
      {"GET", "/health/ready", Role::none, "Whether clients can be served, and if not, why.", "health",
       handlers::ready},
      {"GET", "/health/detailed", Role::viewer, "The same with every server and database.", "health",
       handlers::detailed},
      {"GET", "/api/v1/overview", Role::viewer, "What a dashboard shows first.", "object",
       handlers::overview},
      {"GET", "/api/v1/pools", Role::viewer, "Pools, as SHOW POOLS has them.", "array", handlers::pools},
      {"GET", "/api/v1/databases", Role::viewer, "Databases: limits, use, and what was carried.", "array",
       handlers::databases},
      {"GET", "/api/v1/clients", Role::viewer, "How many clients do what.", "object", handlers::clients},
      {"GET", "/api/v1/servers", Role::viewer, "Servers: role, state, lag, use.", "array", handlers::servers},
      {"GET", "/api/v1/cache", Role::viewer, "What is kept in memory, by database.", "object",
       handlers::cache},
      {"GET",
       "/api/v1/statements",
       Role::viewer,
       "What statements have come to, the dearest first. What is not among them is added up in `others`, of "
       "all databases.",
       "object",
       handlers::statements,
       {},
       kStatementsQuery},
      {"GET", "/api/v1/statements/{id}", Role::viewer,
       "One statement: what it has come to, its past hour, how servers run it, what to mend, what "
       "repeats.",
       "object", handlers::statement},
      {"GET", "/api/v1/repetitions", Role::viewer,
       "Statements that repeat, where one could do: what they are, where their values come from.", "object",
       handlers::repetitions},
      {"GET", "/api/v1/alerts", Role::viewer, "Active alerts, those resolved of late, and the rules.",
       "object", handlers::alerts},
      {"GET", "/api/v1/recommendations", Role::viewer,
       "What is recommended, by which figures, and what came of what was done.", "object",
       handlers::recommendations},
      {"GET", "/api/v1/activity", Role::viewer, "What the servers' sessions do and wait for.", "object",
       handlers::activity},
      {"GET", "/api/v1/locks", Role::viewer, "Who holds up whom on the servers.", "object", handlers::locks},
      {"GET", "/api/v1/tables", Role::viewer, "Tables: size, growth, use, dead rows, vacuum.", "object",
       handlers::tables},
      {"GET", "/api/v1/indexes", Role::viewer, "Indexes: size and use.", "object", handlers::indexes},
      {"GET", "/api/v1/database", Role::viewer,
       "The servers as a whole: databases, transaction ids, checkpoints, standbys, slots, statements.",
       "object", handlers::database},
      {"GET",
       "/api/v1/history",
       Role::viewer,
       "Figures over time. Without parameters: which there are.",
       "object",
       handlers::history,
       {},
       kHistoryQuery},
      {"GET", "/api/v1/memory", Role::viewer,
       "What the process takes, and its objects, as SHOW MEM has them.", "object", handlers::memory},
      {"GET", "/api/v1/config", Role::viewer, "The settings in use; secrets as ***.", "array",
       handlers::config},
      {"GET", "/api/v1/version", Role::viewer, "The version that runs.", "object", handlers::version},
      {"GET", "/api/v1/openapi.json", Role::viewer, "This document.", "application/json", handlers::openapi},
      {"GET", "/api/v1/events", Role::viewer, "Server-sent events: `overview`, once a second.",
       "text/event-stream", nullptr},
      {"POST",
       "/api/v1/cache/clear",
       Role::admin,
       "Forgets what is kept; of a relation, or with a tag that a pattern fits, when one is named.",
       "object",
       handlers::clear_cache,
       {"relation", "tag"}},
      {"POST",
       "/api/v1/alerts/acknowledge",
       Role::admin,
       "Notes that somebody sees to an alert.",
       "object",
       handlers::acknowledge_alert,
       {"id"}},
      {"POST",
       "/api/v1/alerts/resolve",
       Role::admin,
       "Ends an alert; it stays quiet until its condition has gone and come back.",
       "object",
       handlers::resolve_alert,
       {"id"}},
      {"POST",
       "/api/v1/statements/{id}/explain",
       Role::admin,
       "Asks a server now how it runs the statement; with analyze, it executes a plain read with these "
       "values "
       "for that.",
       "object",
       handlers::explain_statement,
       {{"analyze", "boolean"}, {"parameters", "array"}}},
      {"POST",
       "/api/v1/statements/explain",
       Role::admin,
       "The same for a statement that is named by its text; the values in it, and blanks, may be others.",
       "object",
       handlers::explain_statement,
       {{"statement"}, {"database"}, {"analyze", "boolean"}, {"parameters", "array"}}},
      {"POST", "/api/v1/statements/reset", Role::admin,
       "Forgets what statements have come to, as RESET STATEMENTS does.", "object",
       handlers::reset_statements},
      {"POST", "/api/v1/memory/release", Role::admin,
       "Gives memory that is free inside the process back to the system.", "object",
       handlers::release_memory},
      {"POST",
       "/api/v1/recommendations/dismiss",
       Role::admin,
       "Takes a recommendation out of the list until it is restored, or this process ends.",
       "object",
       handlers::dismiss_recommendation,
       {"id"}},
      {"POST",
       "/api/v1/recommendations/restore",
       Role::admin,
       "Ends a dismissal.",
       "object",
       handlers::restore_recommendation,
       {"id"}},
      {"POST",
       "/api/v1/pause",
       Role::admin,
       "Lends no backends of a database, or of all, and closes those that are open as they come back.",
       "object",
       handlers::pause,
       {"database"}},
      {"POST", "/api/v1/resume", Role::admin, "Ends a pause.", "object", handlers::resume, {"database"}},
      {"POST", "/api/v1/reload", Role::admin, "Reads the configuration again.", "object", handlers::reload},
  };
  return all;
}

std::optional<std::string_view> id_in(std::string_view path, std::string_view of_route) {
  constexpr std::string_view kId = "{id}";
  const auto at = of_route.find(kId);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view before = of_route.substr(0, at);
  const std::string_view behind = of_route.substr(at + kId.size());
  if (path.size() <= before.size() + behind.size() || !path.starts_with(before) || !path.ends_with(behind))
    return std::nullopt;
  const std::string_view id = path.substr(at, path.size() - before.size() - behind.size());
  return id.find('/') == std::string_view::npos ? std::optional(id) : std::nullopt;
}

const Route* find_route(const Request& request, std::string& allowed) {
  const std::string_view method = request.method == "HEAD" ? std::string_view("GET") : request.method;
  const bool is_literal = std::ranges::find(routes(), request.path, &Route::path) != routes().end();
  for (const Route& route : routes()) {
    if (route.path != request.path && (is_literal || !id_in(request.path, route.path))) continue;
    if (route.method == method) return &route;
    if (!allowed.empty()) allowed += ", ";
    allowed += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  return nullptr;
}

}  // namespace forebay::http
