#pragma once

#include "http/routes.hpp"

/// Who answers the routes: health.cpp, resources.cpp, statements.cpp, actions.cpp, openapi.cpp. Each calls
/// `done` once, unless the asker has gone.
namespace forebay::http::handlers {

void metrics(const CallPtr& call, Done done);

void live(const CallPtr& call, Done done);
void ready(const CallPtr& call, Done done);
void detailed(const CallPtr& call, Done done);

void overview(const CallPtr& call, Done done);
void pools(const CallPtr& call, Done done);
void databases(const CallPtr& call, Done done);
void clients(const CallPtr& call, Done done);
void servers(const CallPtr& call, Done done);
void cache(const CallPtr& call, Done done);
void statements(const CallPtr& call, Done done);
void config(const CallPtr& call, Done done);
void version(const CallPtr& call, Done done);
void openapi(const CallPtr& call, Done done);

void clear_cache(const CallPtr& call, Done done);
void pause(const CallPtr& call, Done done);
void resume(const CallPtr& call, Done done);
void reload(const CallPtr& call, Done done);

}  // namespace forebay::http::handlers
