#pragma once

#include <vector>

#include "advise/evidence.hpp"
#include "pgfront/front.hpp"

namespace forebay::http {

/// What speaks against sending clients here, from what is known already: no server is asked. Empty: nothing.
std::vector<advise::Trouble> troubles_of(pgfront::Front& front);

}  // namespace forebay::http
