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

  /// Gives up on answers of more than `limit` bytes.
  Fill(cache::Key key, cache::Entry::Facts facts, TimePoint begun, std::size_t limit)
      : key_(key.bytes), hash_(key.hash), facts_(std::move(facts)), begun_(begun), limit_(limit) {}

  /// More of what the client gets.
  State add(Bytes bytes);

  /// The entry, once complete.
  cache::EntryPtr finish(TimePoint now);

 private:
  State read_messages();

  const std::string key_;
  const std::uint64_t hash_;
  cache::Entry::Facts facts_;
  const TimePoint begun_;
  const std::size_t limit_;
  std::vector<std::byte> answer_;
  std::size_t read_ = 0;  ///< bytes of answer_ up to the first message that is not whole
  bool commanded_ = false;
};

}  // namespace forebay::engine
