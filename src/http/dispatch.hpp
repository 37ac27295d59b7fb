#pragma once

#include "http/routes.hpp"

namespace forebay::http {

/// What becomes of a request: a reply at once, or a route that may be run.
struct Dispatch {
  const Route* route = nullptr;  ///< null: `reply` is sent
  Person person = {};
  Reply reply = {};
};

/// Finds the route, and whether `person`, who has sent the request, may have it.
Dispatch dispatch(const Request& request, const Person& person);

}  // namespace forebay::http
