#include "engine/replay.hpp"

#include <algorithm>
#include <utility>

#include "wire/protocol.hpp"
#include "wire/writer.hpp"

namespace forebay::engine {

namespace {

/// What a client of ours calls the statement that it executes by name.
constexpr std::string_view kName = "refill";

std::vector<std::byte> copy_of(const wire::Writer& writer) {
  return {writer.bytes().begin(), writer.bytes().end()};
}

/// What is asked by ourselves may take so long at least, and so many times as long as the last time.
constexpr Duration kPatience{30'000};
constexpr int kTimes = 4;

}  // namespace

int AnswerEnds::count(Bytes bytes) {
  int found = 0;
  while (!bytes.empty()) {
    if (body_left_ == 0) {
      const std::size_t part = std::min(wire::kHeaderSize - header_.size(), bytes.size());
      header_.insert(header_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
      bytes = bytes.subspan(part);
      if (header_.size() < wire::kHeaderSize) break;
      const wire::Header header = wire::read_header(header_.data());
      header_.clear();
      body_left_ = header.body();
      is_ready_ = header.type == wire::server::kReadyForQuery;
    }
    const std::size_t part = std::min(body_left_, bytes.size());
    body_left_ -= part;
    bytes = bytes.subspan(part);
    if (body_left_ == 0 && std::exchange(is_ready_, false)) ++found;
  }
  return found;
}

Replay::Replay(const Refill& refill, const Question& question, std::shared_ptr<backend::Pool> pool,
               std::shared_ptr<DatabaseCache> cache, std::function<void()> on_turn_wanted)
    : on_turn_wanted_(std::move(on_turn_wanted)),
      give_up_at_(Clock::now() + std::max(kPatience, kTimes * refill.took)) {
  wire::Writer request;
  wire::Writer preparation;
  if (question.simple) {
    request.query(question.text);
  } else {
    const std::string_view name = question.parses ? std::string_view() : kName;
    (question.parses ? request : preparation).parse(name, question.text, as_bytes(question.types));
    request.begin('B').cstring("").cstring(name).text(question.values).end();
    if (question.describes) request.begin('D').u8('P').cstring("").end();
    request.begin('E').cstring("").u32(0).end().sync();
  }
  if (!preparation.empty()) {
    preparation.sync();
    input_ = copy_of(preparation);
    later_ = copy_of(request);
  } else {
    input_ = copy_of(request);
  }
  session_.emplace(static_cast<ClientPort&>(*this),
                   Session::Identity{.pool = std::move(pool),
                                     .permits = {},
                                     .profile = refill.asker.profile,
                                     .application_name = {},
                                     .cache = std::move(cache),
                                     .pool_generation = refill.asker.pool_generation,
                                     .settings = refill.asker.settings,
                                     .refills = true},
                   nullptr);
}

Replay::~Replay() = default;

void Replay::turn() {
  if (is_over_ || input_.empty()) return;
  std::vector<std::byte> input = std::exchange(input_, {});
  const std::size_t used = session_->on_input(input.data(), input.size());
  input_.insert(input_.begin(), input.begin() + static_cast<std::ptrdiff_t>(used), input.end());
}

void Replay::sweep(TimePoint now) {
  session_->sweep(now);
  if (now >= give_up_at_) end();
}

bool Replay::send(Bytes bytes) {
  for (int answers = answers_.count(bytes); answers > 0; --answers) answered();
  return true;
}

void Replay::answered() {
  if (later_.empty()) return end();
  input_ = std::exchange(later_, {});
  on_turn_wanted_();
}

void Replay::finish(const wire::ErrorMessage*) {
  end();
}

void Replay::finish_with_server_error(std::string_view) {
  end();
}

void Replay::end() {
  is_over_ = true;
  on_turn_wanted_();
}

}  // namespace forebay::engine
