// What the servers say of themselves.

#include <map>

#include <boost/json/value_from.hpp>

#include "http/handlers.hpp"
#include "http/json.hpp"
#include "monitor/lock_trees.hpp"
#include "monitor/reading.hpp"

namespace forebay::http::handlers {

namespace {

namespace json = boost::json;
using monitor::Place;
using monitor::Topic;

json::value or_null(const std::string& text) {
  return text.empty() ? json::value() : json::value(std::string_view(text));
}

/// Where it comes from, and how fresh it is: in front of whatever is told of one place.
json::object head_of(const Place& place, Topic topic) {
  const auto& answered = place.of(topic);
  return {{"server", place.server},
          {"database", place.database},
          {"primary", place.is_primary},
          {"answering", place.is_answering},
          {"since", place.since},
          {"problem", or_null(place.is_answering ? answered.problem : place.problem)},
          {"asked", answered.latest == nullptr ? json::value() : json::value(answered.latest->wall)}};
}

/// With what a topic has been answered by; null values for what has not.
json::object with_topic(const Place& place, Topic topic) {
  json::object told = head_of(place, topic);
  const json::object* const answer = place.told(topic);
  if (answer != nullptr) {
    for (const auto& [key, value] : *answer) told[key] = value;
  }
  return told;
}

/// What a role cannot see, and what it would take.
json::value rights_of(const Place& place) {
  const json::object* const about = place.told(Topic::about);
  if (about == nullptr) return {};
  const json::value* const reads_all = about->if_contains("reads_all_stats");
  const bool is_enough = reads_all != nullptr && reads_all->is_bool() && reads_all->get_bool();
  const std::string user(monitor::text_in(*about, "user"));
  return json::object{
      {"user", user},
      {"reads_all_stats", is_enough},
      {"hint", is_enough ? json::value()
                         : json::value("the user sees its own sessions only; GRANT pg_monitor TO \"" + user +
                                       "\" shows those of others, too")}};
}

json::object envelope(const monitor::Samples& samples, std::string_view name, json::array all) {
  json::array left_out(samples.left_out.begin(), samples.left_out.end());
  return {{"sampled", samples.is_on},
          {"why_not", or_null(samples.why_off)},
          {"not_sampled_databases", std::move(left_out)},
          {name, std::move(all)}};
}

/// One object for each server, made by `make`.
template <class Make>
void tell_servers(const CallPtr& call, const Done& done, Make make) {
  call->watched.sampler.look();
  const auto samples = call->watched.sampler.samples();
  json::array all;
  for (const Place& place : samples->places) {
    if (place.is_of_server) all.push_back(make(place, *samples));
  }
  done(data_reply(envelope(*samples, "servers", std::move(all))));
}

template <class Make>
void tell_databases(const CallPtr& call, const Done& done, Make make) {
  const auto samples = call->watched.sampler.samples();
  json::array all;
  for (const Place& place : samples->places) {
    if (place.is_of_database) all.push_back(make(place));
  }
  done(data_reply(envelope(*samples, "databases", std::move(all))));
}

void add_growth(json::object& told, const std::optional<monitor::Growth::Rate>& rate) {
  told["growth_bytes_per_day"] = rate ? json::value(rate->bytes_per_day) : json::value();
  told["growth_seen_seconds"] = rate ? json::value(rate->seconds) : json::value();
}

/// What sizes, growth and the ids that are left add to what the server says of each database.
json::array databases_of(const Place& place, const monitor::Growth& growth) {
  std::map<std::string_view, double> sizes;
  for (const json::object* size : monitor::list_in(place.told(Topic::sizes), "databases"))
    sizes[monitor::text_in(*size, "database")] = monitor::number_in(size, "bytes").value_or(0);
  json::array all;
  for (const json::object* database : monitor::list_in(place.told(Topic::server), "databases")) {
    json::object told = *database;
    const std::string_view name = monitor::text_in(*database, "database");
    const auto size = sizes.find(name);
    told["bytes"] =
        size == sizes.end() ? json::value() : json::value(static_cast<std::int64_t>(size->second));
    add_growth(told, growth.of(monitor::growth_name(place, name)));
    if (const auto age = monitor::number_in(database, "xid_age"))
      told["xids_left"] = monitor::xids_left(static_cast<std::int64_t>(*age));
    all.push_back(std::move(told));
  }
  return all;
}

}  // namespace

void activity(const CallPtr& call, const Done& done) {
  tell_servers(call, done, [](const Place& place, const monitor::Samples&) {
    json::object told = with_topic(place, Topic::activity);
    told["rights"] = rights_of(place);
    return told;
  });
}

void locks(const CallPtr& call, const Done& done) {
  tell_servers(call, done, [](const Place& place, const monitor::Samples&) {
    json::object told = head_of(place, Topic::activity);
    const json::object* const activity = place.told(Topic::activity);
    const auto blocked = monitor::number_in(activity, "blocked");
    told["blocked"] = blocked ? json::value(static_cast<std::int64_t>(*blocked)) : json::value();
    told["trees"] = monitor::lock_trees(activity);
    return told;
  });
}

void tables(const CallPtr& call, const Done& done) {
  tell_databases(call, done, [&](const Place& place) {
    json::object told = with_topic(place, Topic::tables);
    json::array all;
    for (const json::object* table : monitor::list_in(place.told(Topic::tables), "tables")) {
      json::object one = *table;
      add_growth(one, call->watched.growth.of(monitor::growth_name(place, *table)));
      all.push_back(std::move(one));
    }
    told["tables"] = std::move(all);
    return told;
  });
}

void indexes(const CallPtr& call, const Done& done) {
  tell_databases(call, done, [](const Place& place) { return with_topic(place, Topic::indexes); });
}

void database(const CallPtr& call, const Done& done) {
  tell_servers(call, done, [&](const Place& place, const monitor::Samples& samples) {
    json::object told = with_topic(place, Topic::server);
    told["databases"] = databases_of(place, call->watched.growth);
    told["rights"] = rights_of(place);
    const json::object* const about = place.told(Topic::about);
    told["about"] = about == nullptr ? json::value() : json::value(*about);
    told["sampling_seconds"] = std::chrono::duration<double>(place.spent).count();
    json::array statements;
    for (const Place& each : samples.places) {
      if (each.server != place.server || !each.is_of_database) continue;
      json::object of_database = with_topic(each, Topic::statements);
      of_database["client_databases"] = json::value_from(each.client_databases);
      statements.push_back(std::move(of_database));
    }
    told["statements"] = std::move(statements);
    return told;
  });
}

}  // namespace forebay::http::handlers
