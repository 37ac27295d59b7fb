#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "alert/board.hpp"
#include "http/figures.hpp"

/// Alerts as JSON, for the API, for events and for receivers of webhooks.
namespace forebay::http {

/// Seconds since 1970 as 2026-01-31T12:00:00.000Z.
std::string time_text(double seconds);

boost::json::object to_json(const alert::Alert& alert);
boost::json::object to_json(const config::RuleInUse& rule);
/// How many are active: by level those that nobody has acknowledged, and those that somebody has.
boost::json::object counts_of(const AlertFigures& alerts);

}  // namespace forebay::http
