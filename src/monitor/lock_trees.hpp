#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace forebay::monitor {

/// Who holds up whom, out of an answer to Topic::activity (null: none has come): sessions that wait for
/// nobody and are waited for, each with those that wait for it under `waiting`, and so on. Each session
/// stands there once, also when it waits for several. In a circle, which the server will break, none waits
/// for nobody: it is told from its lowest process id on. Who is not among the sessions has a `pid` alone; 0
/// is a prepared transaction.
boost::json::array lock_trees(const boost::json::object* activity);

}  // namespace forebay::monitor
