// The document that describes the API: https://spec.openapis.org/oas/v3.1.0, made from the table of routes.

#include <algorithm>

#include "http/handlers.hpp"
#include "http/json.hpp"

namespace forebay::http::handlers {

namespace {

namespace json = boost::json;

json::object reference(std::string_view schema) {
  return {{"$ref", "#/components/schemas/" + std::string(schema)}};
}

json::object content(std::string_view type, json::value schema) {
  return {{type, json::object{{"schema", std::move(schema)}}}};
}

json::object envelope(std::string_view type) {
  return {{"type", "object"},
          {"required", json::array{"data", "meta"}},
          {"properties", json::object{{"data", json::object{{"type", type}}}, {"meta", reference("meta")}}}};
}

json::object answer_of(const Route& route) {
  if (route.answers == "health") return content("application/json", reference("health"));
  if (route.answers.find('/') != std::string_view::npos)
    return content(route.answers,
                   json::object{{"type", route.answers == "application/json" ? "object" : "string"}});
  return content("application/json", envelope(route.answers));
}

json::object parameter_of(const QueryKey& key) {
  json::object schema{{"type", key.type}};
  if (key.most > 0) {
    schema["minimum"] = key.least;
    schema["maximum"] = key.most;
  }
  if (key.values != nullptr) schema["enum"] = json::array(key.values().begin(), key.values().end());
  return {{"name", key.name}, {"in", "query"}, {"description", key.help}, {"schema", std::move(schema)}};
}

json::object id_parameter() {
  return {{"name", "id"}, {"in", "path"}, {"required", true}, {"schema", json::object{{"type", "string"}}}};
}

/// Lists hold texts, or null.
json::object property_of(const BodyKey& key) {
  json::object property{{"type", key.type}};
  if (key.type == "string") property["minLength"] = 1;
  if (key.type == "array") property["items"] = json::object{{"type", json::array{"string", "null"}}};
  return property;
}

json::object operation_of(const Route& route) {
  json::object replies{{"200", json::object{{"description", "OK"}, {"content", answer_of(route)}}}};
  const json::object failed{{"description", "error"},
                            {"content", content("application/json", reference("error"))}};
  if (route.answers == "health") {
    replies["503"] = json::object{{"description", "not ready"},
                                  {"content", content("application/json", reference("health"))}};
  }
  replies["default"] = failed;
  json::object operation{{"summary", route.summary}, {"responses", std::move(replies)}};
  if (route.role == Role::none) operation["security"] = json::array();
  json::array parameters;
  if (route.path.find("{id}") != std::string_view::npos) parameters.push_back(id_parameter());
  for (const QueryKey& key : route.query) parameters.push_back(parameter_of(key));
  if (!parameters.empty()) operation["parameters"] = std::move(parameters);
  if (route.method != "POST") return operation;
  json::object properties;
  for (const BodyKey& key : route.body) properties[key.name] = property_of(key);
  operation["requestBody"] = json::object{
      {"content", content("application/json", json::object{{"type", "object"},
                                                           {"additionalProperties", false},
                                                           {"properties", std::move(properties)}})}};
  return operation;
}

json::object lower_method(const Route& route, json::object operation) {
  return {{route.method == "POST" ? "post" : "get", std::move(operation)}};
}

json::object schemas() {
  const json::object text{{"type", "string"}};
  return {
      {"meta",
       json::object{{"type", "object"}, {"properties", json::object{{"version", text}, {"time", text}}}}},
      {"error",
       json::object{
           {"type", "object"},
           {"required", json::array{"error"}},
           {"properties", json::object{{"error", json::object{{"type", "object"},
                                                              {"required", json::array{"code", "message"}},
                                                              {"properties", json::object{{"code", text},
                                                                                          {"message", text},
                                                                                          {"hint", text}}}}},
                                       {"meta", reference("meta")}}}}},
      {"health", json::object{{"type", "object"},
                              {"required", json::array{"status"}},
                              {"properties", json::object{{"status", text},
                                                          {"reasons", json::object{{"type", "array"}}}}}}},
  };
}

/// Aliases have been checked.
void add_aliases(json::object& paths, const forebay::config::Http& settings) {
  for (const auto& [path, target] : settings.aliases) {
    const std::string_view built_in = std::string_view(target).substr(0, target.find('?'));
    const auto route = std::ranges::find(routes(), built_in, &Route::path);
    if (route == routes().end()) continue;
    json::object operation = operation_of(*route);
    operation["summary"] = std::string(route->summary) + " Answered as " + target + " (http.aliases).";
    paths[path] = lower_method(*route, std::move(operation));
  }
}

json::object document(const forebay::config::Http& settings) {
  json::object paths;
  for (const Route& route : routes()) paths[route.path] = lower_method(route, operation_of(route));
  add_aliases(paths, settings);
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "Forebay"}, {"version", FOREBAY_VERSION}}},
          {"paths", std::move(paths)},
          {"security",
           json::array{json::object{{"token", json::array()}}, json::object{{"password", json::array()}}}},
          {"components",
           json::object{{"schemas", schemas()},
                        {"securitySchemes",
                         json::object{{"token", json::object{{"type", "http"}, {"scheme", "bearer"}}},
                                      {"password", json::object{{"type", "http"}, {"scheme", "basic"}}}}}}}};
}

}  // namespace

void openapi(const CallPtr& call, const Done& done) {
  done(plain_reply(200, document(call->front.settings()->http)));
}

}  // namespace forebay::http::handlers
