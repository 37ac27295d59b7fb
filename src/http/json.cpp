#include "http/json.hpp"

#include <chrono>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/chrono.h>

#include "base/utf8.hpp"

namespace forebay::http {

namespace {

boost::json::object meta() {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const auto milliseconds = now.time_since_epoch().count() % 1000;
  return {{"version", FOREBAY_VERSION},
          {"time", fmt::format("{:%FT%T}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                               milliseconds)}};
}

}  // namespace

std::string json_text(const boost::json::value& value) {
  std::string text = boost::json::serialize(value);
  return is_utf8(text) ? text : as_utf8(text);
}

Reply plain_reply(unsigned status, const boost::json::value& value) {
  return {.status = status, .body = json_text(value) + "\n"};
}

Reply data_reply(boost::json::value data) {
  return plain_reply(200, boost::json::object{{"data", std::move(data)}, {"meta", meta()}});
}

Reply error_reply(unsigned status, std::string_view code, std::string_view message, std::string_view hint) {
  boost::json::object error{{"code", code}, {"message", message}};
  if (!hint.empty()) error["hint"] = hint;
  return plain_reply(status, boost::json::object{{"error", std::move(error)}, {"meta", meta()}});
}

}  // namespace forebay::http
