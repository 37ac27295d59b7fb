#pragma once

#include <boost/json/value.hpp>

#include "http/figures.hpp"

/// Facts as JSON. Names say the unit; what is not known is null.
namespace forebay::http {

boost::json::object to_json(const pgfront::ServerFacts& facts);
boost::json::object overview_of(const Figures& figures);

}  // namespace forebay::http
