// Whether clients can be served, from what is known already: no server is asked.

#include <string>
#include <vector>

#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/readiness.hpp"
#include "http/resources.hpp"

namespace forebay::http::handlers {

namespace {

namespace json = boost::json;
using advise::Trouble;

/// The words, which may name addresses and users, are for who may look.
json::object state_of(const std::vector<Trouble>& reasons, const Person& person) {
  json::array told;
  for (const Trouble& reason : reasons) {
    json::object said{{"code", reason.code}};
    if (person.role != Role::none) said["message"] = reason.text;
    told.push_back(std::move(said));
  }
  return {{"status", reasons.empty() ? "ready" : "not_ready"}, {"reasons", std::move(told)}};
}

unsigned status_of(const std::vector<Trouble>& reasons) {
  return reasons.empty() ? 200 : 503;
}

}  // namespace

void live(const CallPtr&, const Done& done) {
  done(plain_reply(200, json::object{{"status", "live"}}));
}

void ready(const CallPtr& call, const Done& done) {
  const auto reasons = troubles_of(call->front);
  done(plain_reply(status_of(reasons), state_of(reasons, call->person)));
}

void detailed(const CallPtr& call, const Done& done) {
  pgfront::Front& front = call->front;
  const auto reasons = troubles_of(front);
  json::object health = state_of(reasons, call->person);
  health["version"] = FOREBAY_VERSION;
  health["uptime_seconds"] = seconds_between(front.started_at(), call->now);
  health["clients"] = front.clients();
  health["servers"] = array_of(pgfront::server_facts(front), to_json);
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
