#include "monitor/tidy.hpp"

#include <string>

#include <boost/json/parse.hpp>

#include "base/utf8.hpp"
#include "sql/without_values.hpp"

namespace forebay::monitor {

namespace {

namespace json = boost::json;

constexpr std::size_t kLongestQuery = 2'000;

void tidy_value(json::value& value, bool is_query);

void tidy_text(json::value& value, bool is_query) {
  const json::string& text = value.get_string();
  if (is_query) {
    const std::string shown = sql::without_values({text.data(), text.size()}, kLongestQuery);
    value = shown.empty() || !is_utf8(shown) ? json::value() : json::value(std::string_view(shown));
  } else if (!is_utf8({text.data(), text.size()})) {
    value = std::string_view(as_utf8({text.data(), text.size()}));
  }
}

void tidy_value(json::value& value, bool is_query) {
  if (value.is_string()) return tidy_text(value, is_query);
  if (value.is_array()) {
    for (json::value& each : value.get_array()) tidy_value(each, false);
  } else if (value.is_object()) {
    for (auto& [key, each] : value.get_object()) tidy_value(each, key == "query");
  }
}

}  // namespace

Result<json::object> tidy(std::string_view text) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error || !value.is_object()) return Error{ErrorCode::invalid_input, "the answer is no JSON object"};
  tidy_value(value, false);
  return std::move(value.get_object());
}

}  // namespace forebay::monitor
