#pragma once

#include <cstdint>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

/// How libpg_query writes parse trees in JSON: {"Kind": {field: value, …}}; fields that are 0, false, "" or
/// null are left out. Everything here takes any value and answers with something empty when the field is not
/// what was expected. https://github.com/pganalyze/libpg_query/tree/15-4.0.0
namespace forebay::sql::tree {

using Object = boost::json::object;
using Value = boost::json::value;

std::string_view text(const Object& body, std::string_view field);
bool flag(const Object& body, std::string_view field);
std::int64_t number(const Object& body, std::string_view field);
const Object& object(const Object& body, std::string_view field);
const boost::json::array& list(const Object& body, std::string_view field);

/// What stands in `value` when it is a node of this kind; null otherwise.
const Object* node(const Value& value, std::string_view kind);

/// The text of a String node; empty for everything else.
std::string_view name(const Value& value);

/// The constant that an expression is, perhaps with a cast around it; null when it has to be computed.
const Object* constant(const Value& expression);

/// The text of a constant that is a string; empty for everything else.
std::string_view constant_text(const Value& expression);

}  // namespace forebay::sql::tree
