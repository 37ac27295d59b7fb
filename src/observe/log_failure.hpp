#pragma once

#include <exception>

namespace forebay::observe {

/// For what runs by itself and that nobody waits for: an exception that has ended it is logged as an error.
/// A completion handler of boost::asio::co_spawn, in the place of boost::asio::detached, which drops it.
/// Rate limited. Thread safe.
struct LogFailure {
  /// What does not happen because of that; a literal.
  const char* what;

  /// Null: it has ended as it was meant to.
  void operator()(const std::exception_ptr& failure) const;
};

}  // namespace forebay::observe
