#pragma once

#include "http/routes.hpp"

namespace forebay::http {

/// What becomes of a request: a reply at once, or a route that may be run.
struct Dispatch {
  const Route* route = nullptr;  ///< null: `reply` is sent
  Person person;
  Reply reply;
};

/// Finds the route, and whether whoever asks may have it.
Dispatch dispatch(pgfront::Front& front, const Request& request);

}  // namespace forebay::http
