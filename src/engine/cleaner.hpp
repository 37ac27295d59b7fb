#pragma once

#include "backend/pool.hpp"
#include "sql/verdict.hpp"

namespace forebay::engine {

/// Takes a settled backend over from a client that has gone: ends its transaction, removes whatever `effects`
/// or `held` say may be left in the session, and gives it back to `pool`; or closes it where that cannot be
/// done.
void clean_and_give_back(backend::Pool& pool, backend::Backend& backend, sql::Effects effects, bool held,
                         backend::ClientId client);

}  // namespace forebay::engine
