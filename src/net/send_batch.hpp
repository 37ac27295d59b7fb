#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.hpp"

struct io_uring;

namespace forebay::net {

class Channel;

/// The small writes of one round of a Loop. They are copied together and handed to the kernel with one system
/// call at the round's end, through io_uring; a lone one with send(2), and all of them where io_uring is
/// missing, forbidden or broken. Why: docs/decisions/0007-batched-sends.md.
///
/// A channel has at most one write here at a time, so that a short write cannot let a later one overtake its
/// rest. Used by the loop's thread.
class SendBatch {
 public:
  enum class Way : std::uint8_t { automatic, one_by_one };

  /// Longer writes are not worth the copy.
  static constexpr std::size_t kMaxSize = 4 * 1024;

  explicit SendBatch(Way way = Way::automatic);
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;
  ~SendBatch();

  /// Takes a copy of `bytes`, at most kMaxSize, of a plain stream. The channel lives until the next flush().
  void add(Channel& channel, Bytes bytes);
  /// Sends everything and tells each channel what became of its bytes (Channel::on_sent).
  void flush();

 private:
  struct Entry {
    Channel* channel;  ///< null: done
    std::size_t offset;
    std::size_t size;
  };

  struct RingDeleter {
    void operator()(io_uring* ring) const;
  };

  bool send_together();
  void send_one_by_one();
  void finish(Entry& entry, std::size_t sent);
  Bytes bytes_of(const Entry& entry) const { return {bytes_.data() + entry.offset, entry.size}; }

  bool may_open_ring_;
  std::unique_ptr<io_uring, RingDeleter> ring_;
  std::size_t count_ = 0;
  std::size_t used_ = 0;
  std::array<Entry, 64> entries_{};
  std::array<std::byte, 16 * kMaxSize> bytes_;
};

}  // namespace forebay::net
