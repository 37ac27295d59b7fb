#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "http/message.hpp"

/// The one form of every JSON reply of the API: {"data": …, "meta": {…}} or {"error": {…}, "meta": {…}}.
namespace forebay::http {

/// `code` is for programs, `message` and `hint` are for people.
Reply error_reply(unsigned status, std::string_view code, std::string_view message,
                  std::string_view hint = {});
Reply data_reply(boost::json::value data);
/// What `to_json` makes of each member of a list.
template <class List>
boost::json::array array_of(const List& list,
                            boost::json::object (*to_json)(const typename List::value_type& each)) {
  boost::json::array all;
  for (const auto& each : list) all.push_back(to_json(each));
  return all;
}

/// JSON as it is sent: UTF-8, also where names or texts of clients are not.
std::string json_text(const boost::json::value& value);
/// JSON without that form.
Reply plain_reply(unsigned status, const boost::json::value& value);

}  // namespace forebay::http
