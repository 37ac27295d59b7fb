#include "http/aliases.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "config/nearest.hpp"
#include "http/asset.hpp"
#include "http/routes.hpp"
#include "http/unreserved.hpp"

namespace forebay::http {

namespace {

constexpr std::size_t kLongestPath = 200;

/// One that has one spelling.
bool is_plain_path(std::string_view path) {
  const auto is_plain = [](char c) { return c == '/' || is_unreserved(c); };
  return path.starts_with('/') && path.size() <= kLongestPath && std::ranges::all_of(path, is_plain);
}

/// What a query may hold besides (RFC 3986, 3.4).
bool is_plain_query(std::string_view query) {
  return std::ranges::all_of(query, [](char c) {
    return is_unreserved(c) || std::string_view("/?:@!$&'()*+,;=%").find(c) != std::string_view::npos;
  });
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}
std::string_view query_of(std::string_view target) {
  const auto question = target.find('?');
  return question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
}

bool is_built_in(std::string_view path) {
  return std::ranges::any_of(routes(), [path](const Route& route) { return route.path == path; }) ||
         std::ranges::any_of(assets(), [path](const Asset& asset) { return asset.path == path; });
}

std::string wrong_with_target(const config::Http& settings, const std::string& target) {
  const std::string path(path_of(target));
  if (settings.aliases.contains(path))
    return fmt::format("{} is an alias itself; name the path that is built in", path);
  const auto route = std::ranges::find(routes(), std::string_view(path), &Route::path);
  if (route == routes().end()) {
    std::vector<std::string> known;
    for (const Route& each : routes()) known.emplace_back(each.path);
    const auto near = config::nearest(path, known);
    return fmt::format(
        "there is nothing by the path {}{}", config::in_quotes(path),
        near ? fmt::format("; did you mean {}?", *near) : "; docs/monitoring.md lists what there is");
  }
  if (path.find('{') != std::string::npos)
    return fmt::format("{} stands for many paths; name one that is built in as it is", path);
  if (route->method == "POST" && target != path)
    return fmt::format("{} takes what it needs from the body, and no parameters", path);
  if (!is_plain_query(query_of(target))) return "the parameters hold what has to be written with % in a URL";
  return {};
}

}  // namespace

void resolve_alias(const config::Http& settings, Request& request) {
  const auto alias = settings.aliases.find(request.path);
  if (alias == settings.aliases.end()) return;
  const std::string_view target = alias->second;
  request.path = path_of(target);
  std::string query(query_of(target));
  if (!query.empty() && !request.query.empty()) query += '&';
  request.query.insert(0, query);
}

std::vector<config::KeyMistake> check_aliases(const config::Settings& settings) {
  std::vector<config::KeyMistake> mistakes;
  for (const auto& [path, target] : settings.http.aliases) {
    const std::string key = "http.aliases." + path;
    std::string why = wrong_with_target(settings.http, target);
    if (!is_plain_path(path)) {
      why = fmt::format("a path begins with / and has at most {} letters, digits and -._~/", kLongestPath);
    } else if (is_built_in(path)) {
      why = "this path is built in; an alias must not hide it";
    }
    if (!why.empty()) mistakes.push_back({key, fmt::format("{}: {}", key, why)});
  }
  return mistakes;
}

}  // namespace forebay::http
