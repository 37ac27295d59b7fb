#pragma once

#include "http/routes.hpp"

/// Who answers the routes: the files of this folder that are called as what they tell. Each calls `done`
/// once, unless the asker has gone.
namespace forebay::http::handlers {

void metrics(const CallPtr& call, const Done& done);

void live(const CallPtr& call, const Done& done);
void ready(const CallPtr& call, const Done& done);
void detailed(const CallPtr& call, const Done& done);

void overview(const CallPtr& call, const Done& done);
void pools(const CallPtr& call, const Done& done);
void databases(const CallPtr& call, const Done& done);
void clients(const CallPtr& call, const Done& done);
void servers(const CallPtr& call, const Done& done);
void cache(const CallPtr& call, const Done& done);
void statements(const CallPtr& call, const Done& done);
void statement(const CallPtr& call, const Done& done);
void repetitions(const CallPtr& call, const Done& done);
void alerts(const CallPtr& call, const Done& done);
void recommendations(const CallPtr& call, const Done& done);
void activity(const CallPtr& call, const Done& done);
void locks(const CallPtr& call, const Done& done);
void tables(const CallPtr& call, const Done& done);
void indexes(const CallPtr& call, const Done& done);
void database(const CallPtr& call, const Done& done);
void memory(const CallPtr& call, const Done& done);
void history(const CallPtr& call, const Done& done);
void config(const CallPtr& call, const Done& done);
void version(const CallPtr& call, const Done& done);
void openapi(const CallPtr& call, const Done& done);

void explain_statement(const CallPtr& call, const Done& done);
void reset_statements(const CallPtr& call, const Done& done);
void release_memory(const CallPtr& call, const Done& done);
void clear_cache(const CallPtr& call, const Done& done);
void pause(const CallPtr& call, const Done& done);
void resume(const CallPtr& call, const Done& done);
void acknowledge_alert(const CallPtr& call, const Done& done);
void resolve_alert(const CallPtr& call, const Done& done);
void dismiss_recommendation(const CallPtr& call, const Done& done);
void restore_recommendation(const CallPtr& call, const Done& done);
void reload(const CallPtr& call, const Done& done);

}  // namespace forebay::http::handlers
