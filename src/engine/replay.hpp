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

/// Finds where answers end in the bytes that a client gets, in pieces of any size.
class AnswerEnds {
 public:
  /// How many ReadyForQuery end in `bytes`.
  int count(Bytes bytes);

 private:
  std::vector<std::byte> header_;  ///< of the message at hand, as far as it has come
  std::size_t body_left_ = 0;
  bool is_ready_ = false;  ///< the message at hand is a ReadyForQuery
};

/// A client of our own, without a socket, that asks one question and throws the answer away: its session puts
/// it into memory on the way. It has the rights of the role in whose name it asks, and waits for a backend
/// like anybody else. One thread.
class Replay final : private ClientPort {
 public:
  /// `question` is what the refill's key says, `pool` the asker's. `on_turn_wanted`: turn() is to be called
  /// soon, but not from inside that call.
  Replay(const Refill& refill, const Question& question, std::shared_ptr<backend::Pool> pool,
         std::shared_ptr<DatabaseCache> cache, std::function<void()> on_turn_wanted);
  ~Replay();

  /// Goes on as far as it can.
  void turn();
  /// Timed work, as for any client; what takes much longer than the last time is given up.
  void sweep(TimePoint now);
  /// It has got its answer, or never will: it can be destroyed.
  bool is_over() const { return is_over_; }
  const backend::Pool& pool() const { return session_->pool(); }

 private:
  // ClientPort
  bool send(Bytes bytes) override;
  void resume_input() override { on_turn_wanted_(); }
  /// Only what may be asked of a replica is put back, and a refill is not.
  void unread(Bytes) override {}
  void finish(const wire::ErrorMessage* error) override;
  void finish_with_server_error(std::string_view body) override;
  wire::CancelKey cancel_key() const override { return {}; }

  void answered();
  void end();

  const std::function<void()> on_turn_wanted_;
  std::vector<std::byte> input_;  ///< what the session has not used yet
  std::vector<std::byte> later_;  ///< comes when the first batch has been answered
  AnswerEnds answers_;
  TimePoint give_up_at_;
  bool is_over_ = false;
  std::optional<Session> session_;  ///< last: it speaks to all of the above
};

}  // namespace forebay::engine
