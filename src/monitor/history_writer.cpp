#include "monitor/history_writer.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/parse.hpp>
#include <poll.h>

#include "backend/stream_reply.hpp"
#include "base/wall_clock.hpp"
#include "monitor/main_server.hpp"
#include "observe/log.hpp"

namespace forebay::monitor {

namespace {

using backend::StreamConnection;
using Progress = StreamConnection::Progress;

/// Between two looks at settings and servers.
constexpr Duration kPlanInterval{1'000};
/// More than the server's own limit for a statement (kQuestionLimits in stream_connection.cpp).
constexpr Duration kPatience{20'000};
/// After what the server has refused: somebody has to do something first.
constexpr Duration kRefusedPause{10'000};
constexpr Duration kPreparingPause{300'000};
/// Months are long.
constexpr std::chrono::hours kLookInterval{1};
/// Of one INSERT.
constexpr std::size_t kMostRows = 1'000;

}  // namespace

HistoryWriter::HistoryWriter(pgfront::Front& front, std::string instance)
    : front_(front), instance_(std::move(instance)), line_(StreamConnection::Purpose::history, kPatience) {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

HistoryWriter::~HistoryWriter() {
  stop();
}

void HistoryWriter::stop() {
  thread_.request_stop();
  waker_.wake();
  if (thread_.joinable()) thread_.join();
}

void HistoryWriter::put(std::vector<HistoryRow> rows) {
  if (rows.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!state_.is_on) return;
    for (HistoryRow& row : rows) waiting_.push_back(std::move(row));
    while (waiting_.size() > kMostWaiting) {
      waiting_.pop_front();
      ++gone_;
      ++state_.dropped;
    }
  }
  waker_.wake();
}

HistoryWriting HistoryWriter::state() const {
  const std::lock_guard lock(mutex_);
  HistoryWriting state = state_;
  state.waiting = waiting_.size();
  return state;
}

void HistoryWriter::plan(TimePoint now) {
  const auto settings = front_.settings();
  const config::HistoryTable& wanted = settings->history;
  std::shared_ptr<const backend::Target> target;
  if (wanted.keep && !settings->upstream.user.empty()) {
    const auto targets = front_.directory().server_targets();
    const auto at = targets.find(primary_of(front_, *settings));
    if (at != targets.end()) target = at->second;
  }
  const std::string database = wanted.database.empty() ? own_database(*settings) : wanted.database;
  {
    const std::lock_guard lock(mutex_);
    state_.is_on = wanted.keep;
    if (!wanted.keep) {
      waiting_.clear();
      state_.problem.clear();
    }
  }
  if (wanted.keep && settings->upstream.user.empty()) {
    note_problem("the upstream's URL names no user who could write");
  } else if (wanted.keep && target == nullptr) {
    note_problem("the address of the primary is not known");
  }
  const bool is_same = target == target_ && database == database_ && wanted.schema == schema_;
  if (months_ != wanted.months) next_look_ = now;
  months_ = wanted.months;
  if (is_same) return;
  target_ = std::move(target);
  database_ = database;
  schema_ = wanted.schema;
  line_.reset();
  not_before_ = now;
}

void HistoryWriter::advance(TimePoint now, bool has_events) {
  if (target_ == nullptr) return;
  if (!line_.is_open()) {
    std::string why;
    const Progress progress = line_.open(*target_, database_, now, has_events, why);
    if (progress == Progress::failed) return fail(std::move(why), now);
    if (progress == Progress::busy) return;
    step_ = Step::idle;
    next_look_ = now;
    return begin(now);
  }
  if (step_ == Step::idle) {
    if (has_events && !line_.connection().transfer()) return fail(line_.connection().problem().text, now);
    return begin(now);
  }
  if (has_events) return read(now);
  if (line_.is_late(now)) fail(line_.lateness(), now);
}

/// The first of those that wait, which stay there until they are known to be written.
std::vector<HistoryRow> HistoryWriter::next_rows() {
  const std::lock_guard lock(mutex_);
  gone_ = 0;
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMostRows));
  return {waiting_.begin(), waiting_.begin() + count};
}

void HistoryWriter::begin(TimePoint now) {
  if (now < not_before_) return;
  if (now >= next_look_) return ask(Step::looking, question_about_table(schema_), now);
  const auto rows = next_rows();
  if (rows.empty()) return;
  asked_rows_ = rows.size();
  ask(Step::writing, insertion(schema_, instance_, rows), now);
}

void HistoryWriter::ask(Step step, const std::string& sql, TimePoint now) {
  step_ = step;
  if (!line_.ask(sql, now)) fail(line_.connection().problem().text, now);
}

void HistoryWriter::read(TimePoint now) {
  StreamConnection::Reply reply;
  StreamConnection& connection = line_.connection();
  const bool is_open = connection.transfer();
  const Progress progress = connection.take_reply(reply);
  if (progress == Progress::failed && !connection.problem().sqlstate.empty()) {
    return is_open ? refuse(now) : fail(connection.problem().text, now);
  }
  if (!is_open || progress == Progress::failed) return fail(connection.problem().text, now);
  if (progress == Progress::done) take(reply, now);
}

void HistoryWriter::take(const StreamConnection::Reply& reply, TimePoint now) {
  switch (std::exchange(step_, Step::idle)) {
    case Step::looking:
      return take_state(reply, now);
    case Step::preparing:
      next_look_ = now + kLookInterval;
      break;
    case Step::writing:
      take_written();
      note_problem({});
      break;
    default:
      break;
  }
  note_ready();
  begin(now);
}

void HistoryWriter::take_state(const StreamConnection::Reply& reply, TimePoint now) {
  const auto tables = backend::tables_of(reply);
  boost::system::error_code error;
  const auto told = tables.empty() || PQntuples(tables.front()) != 1
                        ? boost::json::value()
                        : boost::json::parse(backend::value_of(tables.front(), 0, 0), error);
  if (error || !told.is_object()) return fail("the answer cannot be read", now);
  const TableState state = table_state(told.get_object());
  const std::string missing =
      state.is_in_recovery ? "the server is no primary" : missing_rights(state, schema_);
  if (!missing.empty()) {
    note_problem(missing);
    not_before_ = now + kRefusedPause;
    return;
  }
  const Month month = month_of(unix_time());
  give_up_misplaced(state, month);
  const std::string work = preparation(state, schema_, oldest_waiting(month), month, months_);
  next_look_ = now + kLookInterval;
  may_write_ = state.has_partition(month);
  if (!work.empty()) return ask(Step::preparing, work, now);
  note_ready();
  begin(now);
}

/// Of the rows that wait, those that were taken while a clock was wrong: there is no partition for them, and
/// they would keep all others waiting.
void HistoryWriter::give_up_misplaced(const TableState& state, Month now) {
  const Month first = first_kept(state, now, months_);
  const auto is_misplaced = [&](const HistoryRow& row) {
    const Month month = month_of(row.time);
    return month < first || (month > now + std::chrono::months(1) && !state.has_partition(month));
  };
  std::size_t given_up = 0;
  {
    const std::lock_guard lock(mutex_);
    given_up = std::erase_if(waiting_, is_misplaced);
    state_.dropped += given_up;
  }
  if (given_up == 0) return;
  observe::Event("rows of the history have no place")
      .with("rows", given_up)
      .with("why", "there is no partition for their time: a clock was wrong")
      .warning();
}

Month HistoryWriter::oldest_waiting(Month now) const {
  const std::lock_guard lock(mutex_);
  for (const HistoryRow& row : waiting_) now = std::min(now, month_of(row.time));
  return now;
}

/// The table is as it should be. Where rows wait, it is their being written that proves that all is well.
void HistoryWriter::note_ready() {
  if (next_rows().empty()) note_problem({});
}

/// Of the rows that were asked for, those that had to give way meanwhile are not there any more.
void HistoryWriter::take_written() {
  const std::lock_guard lock(mutex_);
  const std::size_t left = asked_rows_ - std::min<std::size_t>(gone_, asked_rows_);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(left));
  state_.dropped -= asked_rows_ - left;
  state_.written += asked_rows_;
}

/// The connection is in order; what was asked is not. What the table is like is looked at again first.
void HistoryWriter::refuse(TimePoint now) {
  note_problem(line_.connection().problem().text);
  if (std::exchange(step_, Step::idle) == Step::preparing && may_write_) {
    // Next month's partition, or an old one to drop: there is time.
    next_look_ = now + kPreparingPause;
    return begin(now);
  }
  not_before_ = now + kRefusedPause;
  next_look_ = not_before_;
}

void HistoryWriter::fail(std::string why, TimePoint now) {
  not_before_ = now;
  note_problem(line_.close(std::move(why), now));
}

/// It is logged when it begins, and when it is over.
void HistoryWriter::note_problem(const std::string& problem) {
  std::uint64_t waiting = 0;
  {
    const std::lock_guard lock(mutex_);
    const bool was_well = state_.problem.empty();
    state_.problem = problem;
    waiting = waiting_.size();
    if (was_well == problem.empty()) return;
  }
  if (problem.empty()) {
    observe::Event("history is written again").with("waiting", waiting).info();
  } else {
    observe::Event("history is not written").with("why", problem).with("waiting", waiting).warning();
  }
}

void HistoryWriter::run(const std::stop_token& stop) {
  TimePoint next_plan{};
  bool has_events = false;
  while (!stop.stop_requested()) {
    const TimePoint now = Clock::now();
    if (now >= next_plan) {
      plan(now);
      next_plan = now + kPlanInterval;
    }
    advance(now, std::exchange(has_events, false));
    pollfd polled[2] = {line_.polled(), {waker_.fd(), POLLIN, 0}};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_plan - Clock::now());
    poll(polled, 2, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    has_events = polled[0].revents != 0;
    if (polled[1].revents != 0) waker_.clear();
  }
}

}  // namespace forebay::monitor
