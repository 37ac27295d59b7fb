#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/asker.hpp"
#include "engine/errand.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

/// Asks a server how it would run a statement, as somebody who has run it: on a backend of his pool, with the
/// settings of his session. What planning a text runs, functions of the database's users among it, then runs
/// with no more rights than that text has had already. One question at a time, and none while a client waits
/// for a backend of the pool, or where none comes free within a moment. Used by the loop's thread.
class Explainer {
 public:
  struct Answer {
    std::string text = {};     ///< the only value of the answer's only row
    std::string problem = {};  ///< why there is none; empty: there is
    bool is_later = false;     ///< nobody was asked, for now: it is worth another attempt soon
    Duration took{0};          ///< with the wait for a backend
  };
  using Done = std::function<void(Answer answer)>;

  /// The loop outlives it.
  explicit Explainer(net::Loop& loop) : loop_(loop), patience_([this] { end_waiting(); }) {}

  /// May call `done` before it returns. Not called any more when this object dies.
  void ask(const Asker& asker, std::string sql, Errand::Afterwards afterwards, Done done);

 private:
  void end_waiting();
  void finish(const Errand::Outcome& outcome);

  net::Loop& loop_;
  std::unique_ptr<Errand> errand_;  ///< under way
  Done done_;                       ///< its
  TimePoint began_{};
  net::Timer patience_;
};

}  // namespace forebay::engine
