// What administrators may do by HTTP, as on the console.

#include <algorithm>
#include <map>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "config/problem.hpp"
#include "engine/heap_trimmer.hpp"
#include "http/adviser.hpp"
#include "http/alert_watch.hpp"
#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/process.hpp"
#include "observe/log.hpp"
#include "pgfront/administration.hpp"
#include "pgfront/console_service.hpp"
#include "pgfront/statement_report.hpp"

namespace forebay::http::handlers {

namespace {

namespace json = boost::json;

using Arguments = std::map<std::string, std::string>;

/// The texts that the request's JSON holds, under keys that the route knows; an empty body holds none.
Result<Arguments> arguments_of(const Request& request) {
  Arguments arguments;
  if (request.body.empty()) return arguments;
  json::error_code error;
  const json::value value = json::parse(request.body, error);
  if (error || !value.is_object()) return Error{ErrorCode::invalid_input, "the body is no JSON object"};
  std::string allowed;
  const Route* route = find_route(request, allowed);
  for (const auto& [key, argument] : value.as_object()) {
    if (std::ranges::find(route->body, std::string_view(key), &BodyKey::name) == route->body.end())
      return Error{ErrorCode::invalid_input,
                   fmt::format("{} is no key of this request", config::in_quotes(key))};
    if (!argument.is_string() || argument.as_string().empty())
      return Error{ErrorCode::invalid_input,
                   fmt::format("{} is to be a text that is not empty", config::in_quotes(key))};
    arguments[key] = argument.as_string();
  }
  return arguments;
}

std::string argument(const Arguments& arguments, const std::string& key) {
  const auto at = arguments.find(key);
  return at == arguments.end() ? std::string() : at->second;
}

void log_action(const Call& call, const Arguments& arguments) {
  observe::Event event("action by HTTP");
  event.with("path", call.request.path).with("by", call.person.shown());
  for (const auto& [key, value] : arguments) event.with(key, value);
  event.info();
}

/// Reads the arguments and a database among them, logs, and does it.
template <class Act>
void act(const CallPtr& call, const Done& done, Act do_it) {
  const auto arguments = arguments_of(call->request);
  if (!arguments) return done(error_reply(400, "invalid_body", arguments.error().text));
  const std::string database = argument(*arguments, "database");
  if (!database.empty()) {
    if (const auto unknown = pgfront::check_database(call->front, database))
      return done(error_reply(404, "no_database", unknown->why, unknown->hint));
  }
  log_action(*call, *arguments);
  do_it(*arguments);
}

}  // namespace

void clear_cache(const CallPtr& call, const Done& done) {
  act(call, done, [&](const Arguments& arguments) {
    const std::string relation = argument(arguments, "relation");
    const std::string tag = argument(arguments, "tag");
    if (!relation.empty() && !tag.empty())
      return done(error_reply(400, "invalid_body", "name a relation or a tag, not both"));
    const std::size_t count = tag.empty() ? pgfront::clear_cache(call->front, relation)
                                          : pgfront::clear_cache_of_tag(call->front, tag);
    done(data_reply(json::object{{"cleared", count}}));
  });
}

namespace {

/// `do_it` is AlertWatch::acknowledge or AlertWatch::resolve.
void act_on_alert(const CallPtr& call, const Done& done,
                  bool (AlertWatch::*do_it)(std::string_view, std::string_view), std::string_view told) {
  act(call, done, [&](const Arguments& arguments) {
    const std::string id = argument(arguments, "id");
    if (id.empty()) return done(error_reply(400, "invalid_body", "name the alert by its id"));
    if (!(call->watch.*do_it)(id, call->person.shown()))
      return done(error_reply(404, "no_alert", "there is no such active alert, or that has been done already",
                              "/api/v1/alerts lists those that there are."));
    done(data_reply(json::object{{told, true}}));
  });
}

}  // namespace

void acknowledge_alert(const CallPtr& call, const Done& done) {
  act_on_alert(call, done, &AlertWatch::acknowledge, "acknowledged");
}

void resolve_alert(const CallPtr& call, const Done& done) {
  act_on_alert(call, done, &AlertWatch::resolve, "resolved");
}

namespace {

/// `do_it` tells whether there was such a recommendation.
template <class DoIt>
void act_on_recommendation(const CallPtr& call, const Done& done, std::string_view told, DoIt do_it) {
  act(call, done, [&](const Arguments& arguments) {
    const std::string id = argument(arguments, "id");
    if (id.empty()) return done(error_reply(400, "invalid_body", "name the recommendation by its id"));
    if (!do_it(id))
      return done(error_reply(404, "no_recommendation",
                              "there is no such recommendation, or that has been done already",
                              "/api/v1/recommendations lists those that there are."));
    done(data_reply(json::object{{told, true}}));
  });
}

}  // namespace

void dismiss_recommendation(const CallPtr& call, const Done& done) {
  act_on_recommendation(call, done, "dismissed", [&](const std::string& id) {
    return call->adviser.dismiss(id, call->person.shown());
  });
}

void restore_recommendation(const CallPtr& call, const Done& done) {
  act_on_recommendation(call, done, "restored",
                        [&](const std::string& id) { return call->adviser.restore(id); });
}

void reset_statements(const CallPtr& call, const Done& done) {
  act(call, done, [&](const Arguments&) {
    pgfront::reset_statements(call->inquiry(), [done] { done(data_reply(json::object{{"reset", true}})); });
  });
}

void release_memory(const CallPtr& call, const Done& done) {
  act(call, done, [&](const Arguments&) {
    const std::uint64_t before = process_facts().resident_bytes;
    engine::release_free_memory();
    done(data_reply(
        json::object{{"resident_bytes_before", before}, {"resident_bytes", process_facts().resident_bytes}}));
  });
}

void pause(const CallPtr& call, const Done& done) {
  act(call, done, [&](const Arguments& arguments) {
    const std::string database = argument(arguments, "database");
    pgfront::pause(call->front, database);
    done(data_reply(
        json::object{{"paused", true}, {"open_backends", pgfront::open_backends(call->front, database)}}));
  });
}

void resume(const CallPtr& call, const Done& done) {
  act(call, done, [&](const Arguments& arguments) {
    switch (pgfront::resume(call->front, argument(arguments, "database"))) {
      case pgfront::Resumed::yes:
        return done(data_reply(json::object{{"paused", false}}));
      case pgfront::Resumed::paused_with_all:
        return done(error_reply(409, "paused_with_all", "all databases are paused together",
                                "Resume without a database."));
      case pgfront::Resumed::not_paused:
        return done(error_reply(409, "not_paused", "nothing of that kind is paused"));
    }
  });
}

void reload(const CallPtr& call, const Done& done) {
  act(call, done, [&](const Arguments&) {
    // The service answers on a loop of clients, as the console's do.
    call->front.directory().loop(0).post([call, done] {
      call->front.console_service().reload([call, done](const Result<std::vector<std::string>>& result) {
        call->here([call, done, result] {
          if (call->asker.expired()) return;
          if (!result) return done(error_reply(422, "not_reloaded", result.error().text));
          json::array waiting(result->begin(), result->end());
          done(data_reply(json::object{{"reloaded", true}, {"needs_restart", std::move(waiting)}}));
        });
      });
    });
  });
}

}  // namespace forebay::http::handlers
