#pragma once

#include <string>

#include "pgfront/front.hpp"

namespace forebay::monitor {

/// The name of the server that writes go to: the primary that is known, or the upstream.
std::string primary_of(pgfront::Front& front, const config::Settings& settings);
/// The database that the upstream's URL names, or what it is without.
std::string own_database(const config::Settings& settings);

}  // namespace forebay::monitor
