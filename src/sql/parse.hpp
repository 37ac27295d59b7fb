#pragma once

#include <functional>
#include <string>

#include <boost/json/value.hpp>

namespace forebay::sql {

/// Parses `text` with libpg_query and hands its statements to `read`, one after the other: each an object
/// with one member, named by the kind of the statement. The trees are gone when this returns. False when the
/// text was refused, a tree is too deep, or `read` said false, which ends it. Expects a text of at most
/// kMaxCanonicalText bytes. `read` may run on another thread, which the caller waits for. Throws what `read`
/// throws, and std::bad_alloc.
bool parse_statements(const std::string& text, const std::function<bool(const boost::json::value&)>& read);

}  // namespace forebay::sql
