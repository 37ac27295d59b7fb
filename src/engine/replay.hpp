#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "engine/client_port.hpp"
#include "engine/database_cache.hpp"
#include "engine/question.hpp"
#include "engine/refills.hpp"
#include "engine/session.hpp"

namespace forebay::engine {

/// A client of our own, without a socket, that asks one question and throws the answer away: its session puts
/// it into memory on the way. It has the rights of the role in whose name it asks, and waits for a backend
/// like anybody else. One thread.
class Replay final : private ClientPort {
 public:
  /// `pool` is the asker's. `on_turn_wanted`: turn() is to be called soon, but not from inside that call.
  Replay(const Refill& refill, std::shared_ptr<backend::Pool> pool, std::shared_ptr<DatabaseCache> cache,
         std::function<void()> on_turn_wanted);
  ~Replay();

  /// Goes on as far as it can.
  void turn();
  /// Timed work, as for any client.
  void sweep(TimePoint now) { session_->sweep(now); }
  /// It has got its answer, or never will: it can be destroyed.
  bool is_over() const { return is_over_; }
  /// For a backend of `pool`.
  bool waits_for(const backend::Pool& pool) const {
    return session_->is_waiting() && &session_->pool() == &pool;
  }

 private:
  // ClientPort
  bool send(Bytes bytes) override;
  void resume_input() override { on_turn_wanted_(); }
  void finish(const wire::ErrorMessage* error) override;
  void finish_with_server_error(std::string_view body) override;
  wire::CancelKey cancel_key() const override { return {}; }

  void answered();
  void end();

  const std::function<void()> on_turn_wanted_;
  std::vector<std::byte> input_;  ///< what the session has not used yet
  std::vector<std::byte> later_;  ///< comes when the first batch has been answered
  std::vector<std::byte> head_;   ///< of an answer whose length is not all here
  std::size_t body_left_ = 0;     ///< of the answer at hand
  bool is_ready_ = false;         ///< the answer at hand is a ReadyForQuery
  bool is_over_ = false;
  std::optional<Session> session_;  ///< last: it speaks to all of the above
};

}  // namespace forebay::engine
