#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "cache/entry.hpp"

namespace forebay::engine {

/// Takes down the server's answer to a batch, to keep what is new of it and to compare the rest with what is
/// in memory. Begun before the batch is sent, so that everything that is noted from then on counts against
/// it.
class Fill {
 public:
  enum class State : std::uint8_t { open, complete, useless };

  /// What the answer to one request consists of, beside rows.
  struct Shape {
    int parses = 0;
    int binds = 0;
    int descriptions = 0;
    int commands = 0;

    friend bool operator==(const Shape&, const Shape&) = default;
  };

  /// One request of the batch.
  struct Part {
    std::string key_bytes;
    cache::Key key;  ///< its bytes are those of the request, which are gone when the answer comes
    Shape shape;
    cache::EntryPtr known;      ///< lives, but may not be served yet; null: this is to become one
    cache::Entry::Facts facts;  ///< of the new one; for a known one only `begun`
    std::size_t begin = 0;      ///< of its answer within the batch's
    std::size_t end = 0;        ///< 0: not there yet
    bool is_news = false;       ///< there is a known one, and the answer is another
    bool is_told = false;       ///< by take_news()
  };

  /// Gives up on answers of more than `limit` bytes, or of another shape.
  Fill(std::vector<Part> parts, std::size_t limit) : parts_(std::move(parts)), limit_(limit) {}

  /// The batch is on its way to the server; it may have waited for a connection.
  void note_sent(TimePoint now) { sent_ = now; }
  /// More of what the client gets next.
  State add(Bytes bytes);
  /// The known entries that the server's answer differs from, as far as it has come; each once. When it is
  /// useless, all of them.
  std::vector<cache::EntryPtr> take_news(State state);
  std::vector<Part>& parts() { return parts_; }
  /// The entry that a part has become, once all is complete.
  cache::EntryPtr finish(Part& part, TimePoint now);

 private:
  State read_messages();
  bool end_part();
  void compare();

  std::vector<Part> parts_;
  const std::size_t limit_;
  TimePoint sent_{};
  std::vector<std::byte> answer_;
  std::size_t read_ = 0;       ///< bytes of answer_ up to the first message that is not whole
  std::size_t part_ = 0;       ///< whose answer is being read
  std::size_t compared_ = 0;   ///< bytes of answer_
  std::size_t comparing_ = 0;  ///< the part that they end in
  Shape found_;
};

}  // namespace forebay::engine
