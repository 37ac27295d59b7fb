#include "engine/fill.hpp"

#include <limits>

#include "wire/protocol.hpp"

namespace forebay::engine {

using wire::kHeaderSize;

Fill::State Fill::add(Bytes bytes) {
  if (answer_.size() + bytes.size() > limit_) return State::useless;
  answer_.insert(answer_.end(), bytes.begin(), bytes.end());
  return read_messages();
}

/// Up to the ReadyForQuery. Anything but one plain result is useless: errors, notices, changed parameters,
/// a portal that has more rows.
Fill::State Fill::read_messages() {
  while (answer_.size() - read_ >= kHeaderSize) {
    const wire::Header header = wire::read_header(answer_.data() + read_);
    if (answer_.size() - read_ < header.total()) return State::open;
    const std::byte* body = answer_.data() + read_ + kHeaderSize;
    read_ += header.total();
    using namespace wire::server;
    switch (header.type) {
      case kParseComplete:
        ++found_.parses;
        break;
      case kBindComplete:
        ++found_.binds;
        break;
      case kRowDescription:
        ++found_.descriptions;
        break;
      case kDataRow:
        ++facts_.rows;
        break;
      case kCommandComplete:
        ++found_.commands;
        break;
      case kReadyForQuery: {
        answer_.resize(read_);
        const bool is_idle = header.body() == 1 && *body == std::byte{'I'};
        return is_idle && found_ == shape_ ? State::complete : State::useless;
      }
      default:
        return State::useless;
    }
  }
  return State::open;
}

cache::EntryPtr Fill::finish(TimePoint now) {
  facts_.filled = now;
  const std::uint64_t micros = micros_between(facts_.begun, now);
  facts_.fill_micros =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(micros, std::numeric_limits<std::uint32_t>::max()));
  return std::make_shared<const cache::Entry>(cache::Key{key_, hash_}, answer_, std::move(facts_));
}

}  // namespace forebay::engine
