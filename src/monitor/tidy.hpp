#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "base/result.hpp"

namespace forebay::monitor {

/// A server's answer as it may be shown: `text` is a JSON object. What stands under the key `query` anywhere
/// in it is a statement's text, and loses its values; where it was cut within one, or cannot be read, it is
/// null. Other texts that are no UTF-8, from databases with other encodings, have U+FFFD in place of what
/// cannot be read. Thread safe.
Result<boost::json::object> tidy(std::string_view text);

}  // namespace forebay::monitor
