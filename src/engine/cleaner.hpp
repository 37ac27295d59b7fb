#pragma once

#include <cstdint>

#include "backend/pool.hpp"
#include "sql/verdict.hpp"

namespace forebay::engine {

/// How a client left: with a good-bye, and then what it sent is done however long it takes; or without, and
/// then what is not done soon is cancelled.
enum class Departure : std::uint8_t { terminated, vanished };

/// Takes a backend over from a client that has gone: waits for the answers to what was sent and asked, ends
/// the transaction, removes whatever `effects` or `held` say may be left in the session, and gives it back to
/// `pool`; or closes it where that cannot be done.
void clean_and_give_back(backend::Pool& pool, backend::Backend& backend, sql::Effects effects, bool held,
                         backend::ClientId client, Departure departure);

}  // namespace forebay::engine
