#pragma once

#include <memory>

#include "backend/cancel_guard.hpp"
#include "backend/target.hpp"
#include "base/clock.hpp"
#include "wire/startup.hpp"

namespace forebay::backend {

/// Opens a connection of its own to `target` at `address` and asks the server to cancel what the session of
/// `key` runs. `guard` is kept until the server has closed that connection, by which time the signal has been
/// sent; the session must serve nobody else before. After `patience` (0: never) the request is given up, and
/// when the server may have got it the guard says so. `waiting` is kept as long as the request is under way.
/// Errors
/// end it silently, as the protocol has no answer to a cancel. Called on a thread that runs a loop, which
/// does the work.
void send_cancel(std::shared_ptr<const Target> target, const net::Address& address,
                 const wire::CancelKey& key, std::shared_ptr<CancelGuard> guard, Duration patience,
                 std::shared_ptr<void> waiting = nullptr);

}  // namespace forebay::backend
