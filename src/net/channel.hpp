#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"

namespace forebay::net {

/// A Stream in a Loop, with what could not be written yet. It costs no buffer while nothing is pending;
/// whoever writes stops reading the other side until pending bytes are gone, so at most one burst
/// (Loop::kScratchSize and what was inserted into it) waits here, behind one small write.
///
/// Small writes go out at the end of the loop's round, all channels' together (SendBatch).
///
/// Used by one thread, the one that runs the loop; attach() and detach() move it between threads.
class Channel {
 public:
  enum class Outcome : std::uint8_t {
    done,     ///< everything is with the kernel, or will be at the end of the round
    pending,  ///< the rest waits; flush() when writable
    failed,   ///< the peer is gone
  };

  explicit Channel(Stream stream) : stream_(std::move(stream)) {}
  Channel(Channel&&) = delete;
  ~Channel();

  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }

  /// Starts to be told of events. `handler` owns this channel. False, with errno, when the kernel has no
  /// room.
  [[nodiscard]] bool attach(Loop& loop, Handler& handler);
  void detach();
  bool is_attached() const { return loop_ != nullptr; }

  Outcome write(Bytes bytes);
  /// Offers pending bytes again.
  Outcome flush();
  bool has_pending() const { return pending_ != nullptr; }
  /// Told by the batch: so many of `bytes` have been sent.
  void on_sent(Bytes bytes, std::size_t sent);

  /// A pause costs nothing while the peer sends nothing: what arrives meanwhile is told once.
  void pause_reading() { reading_ = false; }
  void resume_reading() {
    reading_ = true;
    want(interest_ | EPOLLIN);
  }
  bool is_reading() const { return reading_; }
  /// Whether these events tell of input that is wanted now; input in a pause is not told again before its
  /// end.
  bool has_input(std::uint32_t events) {
    if ((events & EPOLLIN) != 0 && !reading_) want(interest_ & ~std::uint32_t{EPOLLIN});
    return (events & EPOLLIN) != 0 && reading_;
  }
  /// For a connect in progress or a TLS handshake.
  void want_writable(bool wanted) {
    want(wanted ? interest_ | EPOLLOUT : interest_ & ~std::uint32_t{EPOLLOUT});
  }

  /// Sends now what waits for the end of the round; before anything is done to the stream itself.
  void leave_batch();
  /// Stream::shutdown(), behind everything that was written.
  void shutdown();
  void close();

 private:
  struct Pending {
    std::vector<std::byte> bytes;
    std::size_t sent = 0;
  };

  void want(std::uint32_t interest);
  bool can_join_batch(Bytes bytes) const;
  void keep(Bytes rest);

  Stream stream_;
  Loop* loop_ = nullptr;
  Handler* handler_ = nullptr;
  std::unique_ptr<Pending> pending_;
  std::uint32_t interest_ = EPOLLIN;
  bool reading_ = true;
  bool batched_ = false;  ///< bytes wait in the loop's SendBatch
};

}  // namespace forebay::net
