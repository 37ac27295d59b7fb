#pragma once

namespace forebay::backend {

/// Stands between a backend and the cancel requests for its session. Shared by the backend and every request
/// that is on its way; used by the backend's thread.
struct CancelGuard {
  /// A request was given up that the server may have got or still get: it can strike at any time.
  bool overdue = false;
};

}  // namespace forebay::backend
