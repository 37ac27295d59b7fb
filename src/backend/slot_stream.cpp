#include "backend/slot_stream.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/endian/conversion.hpp>
#include <fmt/format.h>

#include "backend/random_name.hpp"
#include "backend/stream_reply.hpp"

namespace forebay::backend {
namespace {

using Progress = StreamConnection::Progress;

constexpr Duration kStatusInterval{1'000};
/// A server tells of its position by itself once it has decoded all that there is, unless it is older than
/// PostgreSQL 13 and has told of one already, or is busy with what it does not send (other databases'
/// changes).
constexpr Duration kReminder{10};
constexpr Duration kConnectLimit{10'000};
/// From then on people are told what the slot waits for.
constexpr Duration kSlotIsSlow{2'000};

constexpr const char* kNextTransaction =
    "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())";

/// Numbers in the replication protocol are big endian.
/// https://www.postgresql.org/docs/15/protocol-replication.html
std::uint64_t number_at(std::string_view message, std::size_t at) {
  return boost::endian::load_big_u64(reinterpret_cast<const unsigned char*>(message.data()) + at);
}

constexpr std::size_t kDataHeader = 1 + 8 + 8 + 8;     ///< 'w', start, end of the log, the server's clock
constexpr std::size_t kKeepaliveSize = 1 + 8 + 8 + 1;  ///< 'k', end of the log, clock, whether to answer

std::string status_message(std::uint64_t processed, bool wants_reply) {
  // 2000-01-01 in Unix time. The server only shows this clock.
  constexpr std::chrono::seconds kPostgresEpoch{946'684'800};
  const auto clock = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch() - kPostgresEpoch);
  std::array<unsigned char, 1 + 4 * 8 + 1> message{'r'};
  for (std::size_t i = 0; i < 3; ++i) boost::endian::store_big_u64(message.data() + 1 + 8 * i, processed);
  boost::endian::store_big_u64(message.data() + 1 + 24, static_cast<std::uint64_t>(clock.count()));
  message.back() = wants_reply ? 1 : 0;
  return std::string(reinterpret_cast<const char*>(message.data()), message.size());
}

}  // namespace

SlotStream::SlotStream(const Target& target, const std::string& database, cache::Freshness& freshness)
    : target_(target),
      freshness_(freshness),
      slot_("forebay_" + random_name()),
      connection_(target, database, StreamConnection::Purpose::replication) {}

void SlotStream::fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

void SlotStream::fail(const char* doing) {
  fail(fmt::format("{}: {}", doing, described(connection_.problem())));
}

bool SlotStream::is_slow(TimePoint now) const {
  return state_ == State::making_slot && now - started_ > kSlotIsSlow;
}

void SlotStream::check_deadlines(TimePoint now) {
  if (now >= next_status_) send_status(now);
  const bool connects = state_ == State::connecting || state_ == State::looking;
  if (connects && now - started_ > kConnectLimit) fail(fmt::format("{} does not answer", target_.name()));
}

void SlotStream::advance() {
  if (state_ == State::connecting) {
    const Progress progress = connection_.connect();
    if (progress == Progress::failed) return fail("the change stream cannot connect");
    if (progress == Progress::busy) return;
    state_ = State::looking;
    if (!connection_.ask(kNextTransaction)) fail("the server cannot be asked");
    return;
  }
  if (!connection_.transfer()) return fail("the change stream was lost");
  if (state_ == State::running) return read();
  StreamConnection::Reply reply;
  const Progress progress = connection_.take_reply(reply);
  if (progress == Progress::failed) return fail("the change stream cannot start");
  if (progress == Progress::done) handle_reply(reply);
}

void SlotStream::handle_reply(const StreamConnection::Reply& reply) {
  bool sent = true;
  if (state_ == State::looking) {
    const auto next = reply.empty() ? std::nullopt : number_of(reply.front().get(), 0);
    if (!next) return fail("the server's snapshot cannot be read");
    marker_.emplace(freshness_, *next - 1);
    state_ = State::making_slot;
    sent = connection_.ask("CREATE_REPLICATION_SLOT \"" + slot_ +
                           "\" TEMPORARY LOGICAL test_decoding NOEXPORT_SNAPSHOT");
  } else if (state_ == State::making_slot) {
    state_ = State::starting;
    sent = connection_.ask("START_REPLICATION SLOT \"" + slot_ +
                           "\" LOGICAL 0/0 (\"include-xids\" 'on', \"skip-empty-xacts\" 'off', "
                           "\"include-timestamp\" 'off')");
  } else {
    state_ = State::running;
    next_status_ = Clock::now();
    return read();
  }
  if (!sent) fail("the change stream was lost");
}

void SlotStream::read() {
  std::optional<StreamConnection::Message> message;
  while (failure_.empty()) {
    const Progress progress = connection_.take_message(message);
    if (progress == Progress::failed) return fail("the change stream has ended");
    if (progress == Progress::busy) return;
    handle_message(message->bytes());
  }
}

void SlotStream::handle_message(std::string_view message) {
  const TimePoint now = Clock::now();
  const std::uint64_t before = processed_;
  if (message.front() == 'w' && message.size() >= kDataHeader) {
    processed_ = std::max(processed_, number_at(message, 1));
    freshness_.stream_tally().note_bytes(message.size() - kDataHeader);
    if (!marker_->note(message.substr(kDataHeader))) {
      fail("the change stream holds something that is not understood");
    }
  } else if (message.front() == 'k' && message.size() == kKeepaliveSize) {
    processed_ = std::max(processed_, number_at(message, 1));
    if (message.back() != 0) send_status(now);
  } else {
    fail("the change stream does not keep to its protocol");
  }
  if (message.front() == 'w' || processed_ > before) heard_ = now;
}

void SlotStream::await(std::uint64_t position) {
  awaited_ = position;
  if (!is_past_awaited()) next_status_ = std::min(next_status_, Clock::now() + kReminder);
}

/// Lets the server discard what is behind us. The slot is never used again, so nothing more depends on it.
void SlotStream::send_status(TimePoint now) {
  const bool waits = !is_past_awaited();
  next_status_ = now + (waits ? kReminder : kStatusInterval);
  if (!connection_.put_message(status_message(processed_, waits))) fail("the change stream was lost");
}

}  // namespace forebay::backend
