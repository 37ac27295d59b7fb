// Figures over time, as they are kept in memory.

#include "monitor/history.hpp"

#include <cmath>

#include <fmt/format.h>

#include "base/wall_clock.hpp"
#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/parameters.hpp"

namespace forebay::http::handlers {

namespace {

namespace json = boost::json;
using monitor::kResolutions;

constexpr std::uint64_t kUsualSeconds = 300;
/// As many lines as anybody would look at; a week of these are 400 KB.
constexpr std::size_t kMostNames = 16;

json::value or_null(float value) {
  return std::isnan(value) ? json::value() : json::value(static_cast<double>(value));
}

json::array column(const std::vector<monitor::Point>& points, float monitor::Point::*member) {
  json::array values;
  values.reserve(points.size());
  for (const monitor::Point& point : points) values.push_back(or_null(point.*member));
  return values;
}

/// What there is: for a request that names nothing.
json::object contents(const monitor::History& history) {
  json::array names;
  for (const std::string& name : history.names()) names.push_back(json::string(name));
  json::array resolutions;
  for (const auto& resolution : kResolutions)
    resolutions.push_back({{"seconds", resolution.seconds}, {"span_seconds", resolution.span()}});
  const std::size_t bytes = names.size() * monitor::Series::kBytes;
  return {{"series", std::move(names)}, {"resolutions", std::move(resolutions)}, {"bytes", bytes}};
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const auto comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

/// When the newest point began, in seconds since 1970.
double newest_time(TimePoint now, std::uint32_t seconds) {
  return unix_time() - std::fmod(seconds_between({}, now), seconds);
}

}  // namespace

void history(const CallPtr& call, const Done& done) {
  const auto parameters = parameters_of(call->request.query, kHistoryQuery);
  if (!parameters) return done(error_reply(400, "bad_parameter", parameters.error().text));
  const auto& kept = call->watched.history;
  const auto names = parameters->find("series");
  if (names == parameters->end()) return done(data_reply(contents(kept)));
  const auto wanted = parameters->find("seconds");
  const auto seconds = wanted == parameters->end() ? Result<std::uint64_t>(kUsualSeconds)
                                                   : number_of(wanted->second, 1, kResolutions.back().span());
  if (!seconds) return done(error_reply(400, "bad_parameter", "seconds=: " + seconds.error().text));
  const std::size_t at = monitor::History::resolution_for(*seconds);
  const std::uint32_t width = kResolutions[at].seconds;
  const std::size_t count = (*seconds + width - 1) / width;
  const auto all = split(names->second);
  if (all.size() > kMostNames)
    return done(error_reply(400, "bad_parameter", fmt::format("series=: at most {} names", kMostNames)));
  json::object series;
  for (const std::string& name : all) {
    const monitor::Series* one = kept.find(name);
    if (one == nullptr) {
      series[name] = nullptr;
      continue;
    }
    const auto points = one->points(at, call->now, count);
    series[name] = json::object{{"mean", column(points, &monitor::Point::mean)},
                                {"least", column(points, &monitor::Point::least)},
                                {"most", column(points, &monitor::Point::most)}};
  }
  done(data_reply(json::object{{"resolution_seconds", width},
                               {"points", count},
                               {"newest", newest_time(call->now, width)},
                               {"series", std::move(series)}}));
}

}  // namespace forebay::http::handlers
