// Whether clients can be served, from what is known already: no server is asked.

#include <optional>
#include <string>
#include <vector>

#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/resources.hpp"

namespace forebay::http::handlers {

namespace {

namespace json = boost::json;

struct Reason {
  std::string_view code;
  std::string text;
};

/// Why a server that runs does not let the watch in. Others come in by their own names, to their own
/// databases.
bool is_refusal(std::string_view reason) {
  return reason.find("failed: FATAL:") != std::string_view::npos &&
         reason.find("the database system is") == std::string_view::npos;
}

/// What speaks against the place that writes go to. Of a server that nobody watches nothing is known.
std::optional<Reason> trouble_with_primary(pgfront::Front& front) {
  const auto topology = front.directory().board().topology();
  if (topology->servers.empty()) return std::nullopt;
  const bool is_alone = topology->servers.size() == 1;
  if (is_alone) {
    // Whatever it says it is, clients are sent there.
    const route::Server& server = topology->servers.front();
    if (is_refusal(server.reason)) return std::nullopt;
    if (server.state == route::State::down) return Reason{"server_down", server.name + ": " + server.reason};
    if (server.role == route::Role::unknown)
      return Reason{"server_unknown", server.name + ": " + server.reason};
    return std::nullopt;
  }
  if (!topology->primary) return Reason{"no_primary", "no server is known to be the primary"};
  const route::Server& primary = topology->servers[*topology->primary];
  if (primary.state == route::State::up && !front.directory().is_primary_held()) return std::nullopt;
  return Reason{"no_primary", primary.name + " was the primary and is " + to_text(primary.state) +
                                  (primary.reason.empty() ? "" : ": " + primary.reason)};
}

std::vector<Reason> reasons_against(pgfront::Front& front) {
  std::vector<Reason> reasons;
  if (front.is_draining() || front.is_closed())
    reasons.push_back({"shutting_down", "the process takes no new clients and is about to end"});
  if (front.directory().is_paused("")) reasons.push_back({"paused", "all databases are paused"});
  if (auto trouble = trouble_with_primary(front)) reasons.push_back(std::move(*trouble));
  return reasons;
}

/// The words, which may name addresses and users, are for who may look.
json::object state_of(const std::vector<Reason>& reasons, const Person& person) {
  json::array told;
  for (const Reason& reason : reasons) {
    json::object said{{"code", reason.code}};
    if (person.role != Role::none) said["message"] = reason.text;
    told.push_back(std::move(said));
  }
  return {{"status", reasons.empty() ? "ready" : "not_ready"}, {"reasons", std::move(told)}};
}

unsigned status_of(const std::vector<Reason>& reasons) {
  return reasons.empty() ? 200 : 503;
}

}  // namespace

void live(const CallPtr&, const Done& done) {
  done(plain_reply(200, json::object{{"status", "live"}}));
}

void ready(const CallPtr& call, const Done& done) {
  const auto reasons = reasons_against(call->front);
  done(plain_reply(status_of(reasons), state_of(reasons, call->person)));
}

void detailed(const CallPtr& call, const Done& done) {
  pgfront::Front& front = call->front;
  const auto reasons = reasons_against(front);
  json::object health = state_of(reasons, call->person);
  health["version"] = FOREBAY_VERSION;
  health["uptime_seconds"] = seconds_between(front.started_at(), call->now);
  health["clients"] = front.clients();
  json::array servers;
  for (const auto& facts : pgfront::server_facts(front)) servers.push_back(to_json(facts));
  health["servers"] = std::move(servers);
  json::array restricted;
  for (const auto& facts : pgfront::database_facts(front)) {
    if (facts.is_paused || facts.is_disabled)
      restricted.push_back(
          {{"database", facts.name}, {"paused", facts.is_paused}, {"disabled", facts.is_disabled}});
  }
  health["restricted_databases"] = std::move(restricted);
  json::array caches;
  for (const auto& facts : pgfront::cache_facts(front, call->now, false)) {
    caches.push_back({{"database", facts.database},
                      {"server", facts.server},
                      {"level", name_of(facts.level)},
                      {"trouble", facts.trouble}});
  }
  health["caches"] = std::move(caches);
  const monitor::HistoryWriting writing = call->watched.writer.state();
  health["history"] = json::object{{"kept_in_database", writing.is_on},
                                   {"problem", writing.problem},
                                   {"written", writing.written},
                                   {"dropped", writing.dropped},
                                   {"waiting", writing.waiting}};
  done(plain_reply(status_of(reasons), health));
}

}  // namespace forebay::http::handlers
