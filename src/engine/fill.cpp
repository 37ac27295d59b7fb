#include "engine/fill.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "wire/protocol.hpp"

namespace forebay::engine {

using wire::kHeaderSize;

Fill::State Fill::add(Bytes bytes) {
  if (answer_.size() + bytes.size() > limit_) return State::useless;
  answer_.insert(answer_.end(), bytes.begin(), bytes.end());
  const State state = read_messages();
  if (state != State::useless) compare();
  return state;
}

/// Up to the ReadyForQuery. Anything but plain results is useless: errors, notices, changed parameters, a
/// portal that has more rows.
Fill::State Fill::read_messages() {
  while (answer_.size() - read_ >= kHeaderSize) {
    const wire::Header header = wire::read_header(answer_.data() + read_);
    if (answer_.size() - read_ < header.total()) return State::open;
    const std::byte* body = answer_.data() + read_ + kHeaderSize;
    if (header.type == wire::server::kReadyForQuery) {
      const bool is_idle = header.body() == 1 && *body == std::byte{'I'};
      answer_.resize(read_);
      return is_idle && part_ == parts_.size() ? State::complete : State::useless;
    }
    read_ += header.total();
    if (part_ == parts_.size()) return State::useless;
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
        ++parts_[part_].facts.rows;
        break;
      case kCommandComplete:
        ++found_.commands;
        if (!end_part()) return State::useless;
        break;
      default:
        return State::useless;
    }
  }
  return State::open;
}

bool Fill::end_part() {
  Part& part = parts_[part_++];
  part.end = read_;
  if (part_ < parts_.size()) parts_[part_].begin = read_;
  return std::exchange(found_, {}) == part.shape;
}

/// What has come since the last time with what is known.
void Fill::compare() {
  while (compared_ < answer_.size() && comparing_ < parts_.size()) {
    Part& part = parts_[comparing_];
    const std::size_t end = part.end == 0 ? answer_.size() : part.end;
    if (part.known != nullptr && !part.is_news) {
      const Bytes known = part.known->answer();
      const std::size_t size = end - part.begin;
      const bool fits = part.end == 0 ? size <= known.size() : size == known.size();
      const auto come = Bytes(answer_).subspan(compared_, end - compared_);
      part.is_news = !fits || !std::ranges::equal(come, known.subspan(compared_ - part.begin, come.size()));
    }
    compared_ = end;
    if (part.end == 0) return;
    ++comparing_;
  }
}

std::vector<cache::EntryPtr> Fill::take_news(State state) {
  std::vector<cache::EntryPtr> news;
  for (Part& part : parts_) {
    if (part.known == nullptr || part.is_told) continue;
    part.is_news |= state == State::useless;
    part.is_told = part.is_news;
    if (part.is_news) news.push_back(part.known);
  }
  return news;
}

cache::EntryPtr Fill::finish(Part& part, TimePoint now) {
  part.facts.filled = now;
  const std::uint64_t micros = micros_between(std::max(sent_, part.facts.begun), now);
  part.facts.fill_micros =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(micros, std::numeric_limits<std::uint32_t>::max()));
  const auto answer = Bytes(answer_).subspan(part.begin, part.end - part.begin);
  cache::Key key = part.key;
  key.bytes = part.key_bytes;
  return std::make_shared<const cache::Entry>(key, answer, std::move(part.facts));
}

}  // namespace forebay::engine
