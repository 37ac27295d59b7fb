#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "cache/entry.hpp"

namespace forebay::engine {

/// Takes down the server's answer to one request, to keep it. Begun before the request is sent, so that
/// everything that is noted from then on counts against it.
class Fill {
 public:
  enum class State : std::uint8_t { open, complete, useless };

  /// What the answer consists of, beside rows.
  struct Shape {
    int parses = 0;
    int binds = 0;
    int descriptions = 0;
    int commands = 0;

    friend bool operator==(const Shape&, const Shape&) = default;
  };

  /// Gives up on answers of more than `limit` bytes, or of another shape.
  Fill(cache::Key key, cache::Entry::Facts facts, Shape shape, std::size_t limit)
      : key_(key.bytes), hash_(key.hash), facts_(std::move(facts)), shape_(shape), limit_(limit) {}

  /// More of what the client gets.
  State add(Bytes bytes);

  /// The entry, once complete.
  cache::EntryPtr finish(TimePoint now);

 private:
  State read_messages();

  const std::string key_;
  const std::uint64_t hash_;
  cache::Entry::Facts facts_;
  const Shape shape_;
  const std::size_t limit_;
  std::vector<std::byte> answer_;
  std::size_t read_ = 0;  ///< bytes of answer_ up to the first message that is not whole
  Shape found_;
};

}  // namespace forebay::engine
