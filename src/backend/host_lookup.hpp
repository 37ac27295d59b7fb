#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backend/target.hpp"
#include "base/clock.hpp"
#include "config/settings.hpp"

namespace forebay::backend {

/// What the name of one server means, looked up every five seconds, and soon after hurry(), by a thread of
/// its own: a look-up can take seconds. A numeric address and a Unix socket mean the same always; they need
/// neither. A name that cannot be looked up any more means what it did. Thread safe.
class HostLookup {
 public:
  /// `wake` is called by any thread after every look-up that has changed something, and not any more once
  /// this object is gone.
  HostLookup(const config::Upstream& server, std::function<void()> wake);
  /// Returns at once, whatever a look-up takes.
  ~HostLookup();
  HostLookup(const HostLookup&) = delete;
  HostLookup& operator=(const HostLookup&) = delete;

  struct Outcome {
    std::shared_ptr<const Target> target = {};  ///< null: no look-up has succeeded yet
    std::string problem = {};                   ///< of the last look-up; empty when it has succeeded
  };
  Outcome outcome() const;
  /// The server could not be reached: perhaps its name means something else now. At most once a second.
  void hurry();

 private:
  struct State;

  const std::shared_ptr<State> state_;  ///< shared with the thread, which may outlive this object
};

}  // namespace forebay::backend
