#include "engine/session_calls.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace forebay::engine {

namespace {

/// What PostgreSQL says of such a client: "connection to client lost".
constexpr std::array<char, 5> kConnectionFailure{'0', '8', '0', '0', '6'};

/// Bounds what one client can make us remember; what further ones run is not told apart.
constexpr std::size_t kMostPortals = 64;
/// A longer pipeline's memory is given back.
constexpr std::size_t kMostKept = 64;

/// The number at the end of a command's tag, which names how many rows were read or changed; as
/// pg_stat_statements counts them, so not for MOVE, which shows none.
std::uint64_t rows_of(std::string_view tag) {
  constexpr std::string_view kMove = "MOVE ";
  if (tag.ends_with('\0')) tag.remove_suffix(1);
  std::size_t at = tag.size();
  while (at > 0 && tag[at - 1] >= '0' && tag[at - 1] <= '9') --at;
  const std::string_view command(tag.data(), at);
  if (!command.ends_with(' ') || command == kMove) return 0;
  if (tag.size() - at == 1) return static_cast<std::uint64_t>(tag.back() - '0');
  std::uint64_t rows = 0;
  const auto [end, error] = std::from_chars(tag.data() + at, tag.data() + tag.size(), rows);
  return error == std::errc() ? rows : 0;
}

}  // namespace

/// The last message that was sent, when all there is of it is that the same statement was prepared; else a
/// new one: Parse, Bind and Execute are mostly of one statement.
SessionCalls::Open& SessionCalls::open(StatementTable::Ref statement, TimePoint now) {
  if (!open_.empty() && open_.back().may_become_call_of(statement)) return open_.back();
  if (++last_number_ == 0) ++last_number_;
  Open& added = open_.add();
  added.number = last_number_;
  added.called.statement = statement;
  added.sent = now;
  return added;
}

std::uint32_t SessionCalls::begin_preparation(StatementTable::Ref statement, TimePoint now) {
  return open(statement, now).number;
}

std::uint32_t SessionCalls::begin_call(Called called, TimePoint now) {
  const TimePoint since = std::exchange(waiting_since_, TimePoint());
  Open& call = open(called.statement, now);
  call.called.values = std::move(called.values);
  call.sent = now;
  call.waited_micros = since == TimePoint() ? 0 : micros_between(since, now);
  call.is_called = true;
  return call.number;
}

void SessionCalls::bind(std::string_view portal, Called called) {
  if (portal.empty()) {
    unnamed_ = std::move(called);
    return;
  }
  const auto at = std::ranges::find(portals_, portal, &Portal::name);
  if (at != portals_.end()) {
    at->called = std::move(called);
  } else if (portals_.size() < kMostPortals) {
    portals_.push_back({std::string(portal), std::move(called)});
  }
}

SessionCalls::Called SessionCalls::bound(std::string_view portal, TimePoint now) {
  if (portal.empty()) return unnamed_;
  const auto at = std::ranges::find(portals_, portal, &Portal::name);
  return at != portals_.end() ? at->called : table_.find({StatementTable::kUnknown, database_}, {}, 1, now);
}

/// Those before it have been answered, or skipped.
SessionCalls::Open* SessionCalls::find(std::uint32_t number) {
  while (!open_.empty() && open_.front().number != number) open_.pop_front();
  return open_.empty() ? nullptr : &open_.front();
}

void SessionCalls::add_done(Open& call, std::uint64_t rows, const std::array<char, 5>& sqlstate,
                            TimePoint now) {
  if (done_.empty()) done_since_ = std::max(call.sent, last_end_);
  done_.push_back({table_.part(call.called.statement, call.position, now), rows,
                   std::exchange(call.waited_micros, 0), sqlstate, call.called.values});
}

void SessionCalls::note_done(std::uint32_t number, std::string_view tag, std::uint64_t rows, TimePoint now) {
  Open* call = find(number);
  if (call == nullptr) return;
  add_done(*call, tag.empty() ? rows : rows_of(tag), {}, now);
  ++call->position;
}

void SessionCalls::note_error(std::uint32_t number, std::string_view sqlstate, TimePoint now) {
  Open* call = find(number);
  if (call == nullptr) return;
  std::array<char, 5> state{'?', '?', '?', '?', '?'};
  if (sqlstate.size() == state.size()) std::ranges::copy(sqlstate, state.begin());
  add_done(*call, 0, state, now);
}

void SessionCalls::note_abandoned(TimePoint now) {
  for (; !open_.empty(); open_.pop_front()) {
    if (open_.front().is_called) add_done(open_.front(), 0, kConnectionFailure, now);
  }
  end_burst(now);
}

void SessionCalls::note_refused() {
  ++latencies_.refusals;
}

void SessionCalls::note_row(std::uint32_t number, std::string_view body, TimePoint now) {
  const Open* call = find(number);
  if (call != nullptr && repetitions_.is_watching())
    repetitions_.note_row(table_.part(call->called.statement, call->position, now), body);
}

void SessionCalls::end_burst(TimePoint now) {
  if (done_.empty()) return;
  const std::uint64_t all = micros_between(done_since_, now);
  const std::uint64_t each = done_.size() == 1 ? all : all / done_.size();
  for (const Done& done : done_) {
    if (done.sqlstate.front() == '\0') {
      const bool is_slowest = table_.note_call(done.statement, done.rows, each, done.waited_micros, now);
      if (is_slowest && asker_) table_.note_asker(done.statement, asker_());
      if (done.values != nullptr) table_.note_sample(done.statement, each, done.values, now);
      repetitions_.note_done(done.statement, done.rows, each);
    } else {
      table_.note_error(done.statement, done.sqlstate, each, done.waited_micros, now);
      repetitions_.note_failed(done.statement);
      ++latencies_.errors;
    }
  }
  latencies_.calls.add(each, done_.size());
  last_end_ = now;
  if (done_.size() > kMostKept) {
    done_ = {};
  } else {
    done_.clear();
  }
}

void SessionCalls::end_answers(bool is_over) {
  open_.clear();
  waiting_since_ = {};
  if (is_over) {
    portals_.clear();
    unnamed_.values.reset();
  }
  repetitions_.note_transaction(!is_over);
}

void SessionCalls::forget() {
  open_.clear();
  done_.clear();
  waiting_since_ = {};
}

}  // namespace forebay::engine
