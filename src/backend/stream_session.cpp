#include "backend/stream_session.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <thread>

#include <fmt/format.h>
#include <poll.h>

#include "backend/decoding_question.hpp"
#include "backend/outbox_sql.hpp"
#include "backend/random_name.hpp"
#include "backend/stream_reply.hpp"
#include "cache/catalog.hpp"
#include "observe/log.hpp"

namespace forebay::backend {
namespace {

using cache::Catalog;
using cache::ChangeMarker;
using cache::Level;
using cache::TransactionId;
using Progress = StreamConnection::Progress;
using Reply = StreamConnection::Reply;

/// Twenty fit into the default bound of a second.
constexpr Duration kLeaseInterval{50};
/// As above, when readers wait for a write of ours to be covered.
constexpr Duration kSoonestQuestion{5};
/// Several times within the bound; the question reads the catalog, which costs more than a lease.
constexpr Duration kFingerprintInterval{250};
/// Without use for so long, no question is asked.
constexpr Duration kUse{2'000};
/// At the level ttl, where only what somebody has asked for is use, and where without questions nobody knows
/// what a write changes.
constexpr Duration kUseOfAsked{60'000};
constexpr Duration kLongestWait{1'000};
/// Between two tries to start the stream, while there is a lower level: longer from one to the next.
constexpr Duration kFirstTryPause{1'000};
constexpr Duration kLongestTryPause{30'000};
/// More than the server's own limit for questions (statement_timeout in stream_connection.cpp).
constexpr Duration kAnswerLimit{20'000};
/// The stream has said nothing for so long although it was asked for its position.
constexpr Duration kSilenceLimit{10'000};
/// The server needs milliseconds to notice that a connection is gone.
constexpr Duration kGoodbyeLimit{500};
constexpr Duration kGoodbyeLook{5};

/// A look at a large catalog takes long: it may take this part of the server's time, as far as the bound
/// allows.
constexpr int kFingerprintShare = 20;
/// While the schema changes all the time, nothing is served for so long at most between two readings of it.
constexpr Duration kLongestCatalogPause{2'000};
constexpr int kMostCatalogFailures = 20;
constexpr Duration kAfterCatalogFailure{50};
/// While somebody changes a relation that a view reads: each time longer.
constexpr Duration kAfterLocked{200};
constexpr std::string_view kLockNotAvailable = "55P03";

/// What was written to the outbox stays at least so long, for all that look at it.
constexpr Duration kOutboxKept{300'000};

constexpr const char* kLease = "lease";
constexpr const char* kFingerprint = "fingerprint";
constexpr const char* kPoll = "poll";
constexpr const char* kRemoval = "removal";
/// The first two are for every level.
constexpr const char* kStatements[] = {kLease, kFingerprint, kPoll, kRemoval};
constexpr std::size_t kCommonStatements = 2;

/// From which number on transactions may not be visible yet, and a position in the log behind everything that
/// is visible: its end. Nothing is decoded before it is on the server's disk; where not all is (something is
/// being committed, or was without waiting for the disk), a message of ours is committed, which takes it
/// there.
std::string lease_question() {
  return fmt::format(
      "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()), "
      "pg_catalog.pg_wal_lsn_diff(CASE WHEN written OPERATOR(pg_catalog.<) inserted "
      "THEN pg_catalog.pg_logical_emit_message(true, '{}', $1::pg_catalog.text) ELSE inserted END, '0/0') "
      "FROM (SELECT pg_catalog.pg_current_wal_insert_lsn() AS inserted, "
      "pg_catalog.pg_current_wal_flush_lsn() AS written OFFSET 0) AS log",
      ChangeMarker::kPrefix);
}

/// The fingerprint before and after: where it is the same, it is that of the rows. One snapshot for all would
/// not do, since the functions that print definitions look at the present, and it would hold back VACUUM for
/// longer.
///
/// Printing a view locks it and what it reads, against nothing but their being changed. Who changes both has
/// locked one, and waits for the other: a deadlock, and after deadlock_timeout (1 s) the server may end
/// either. So we give way long before.
std::string catalog_question() {
  return fmt::format(
      "SET LOCAL lock_timeout = '100ms'; "
      "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()), "
      "pg_catalog.pg_current_snapshot(); "
      "{0}; {1}; {0}",
      Catalog::fingerprint_question(), Catalog::question());
}

std::string text_of(std::string_view statement) {
  if (statement == kLease) return lease_question();
  if (statement == kFingerprint) return std::string(Catalog::fingerprint_question());
  return statement == kPoll ? std::string(outbox::poll_question()) : outbox::removal_question();
}

}  // namespace

StreamSession::StreamSession(const Target& target, const std::string& database, StreamWish wish,
                             cache::Freshness& freshness, const net::Waker& waker)
    : target_(target),
      database_(database),
      wish_(wish),
      freshness_(freshness),
      waker_(waker),
      secret_(random_name()),
      try_pause_(kFirstTryPause) {}

std::string StreamSession::run(const std::function<bool()>& is_to_stop) {
  if (target_.upstream().user.empty()) return "the upstream names no user, which the cache needs";
  is_decoding_looked_for_ =
      wish_.level == config::CacheLevel::best || wish_.level == config::CacheLevel::bounded;
  is_outbox_looked_for_ = wish_.level == config::CacheLevel::outbox;
  asked_at_ = Clock::now();
  questions_ = std::make_unique<StreamConnection>(target_, database_, StreamConnection::Purpose::questions);
  if (wish_.level == config::CacheLevel::ttl) begin_level(Level::ttl);
  while (!has_failed() && !is_to_stop()) {
    const Ready ready = wait();
    if (ready.stream) stream_->advance();
    if (ready.questions) advance_questions();
    follow_stream(Clock::now());
    if (!has_failed()) ask_next(Clock::now());
    if (!has_failed()) check_deadlines(Clock::now());
  }
  if (has_failed()) return failure_;
  say_goodbye();
  return {};
}

/// The slot goes with its connection, but not before the server has noticed: a database with a slot cannot be
/// dropped.
void StreamSession::say_goodbye() {
  if (!stream_) return;
  const std::string question =
      fmt::format("SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name OPERATOR(pg_catalog.=) '{}'",
                  stream_->slot());
  stream_.reset();
  if (question_ != Question::none) return;
  const TimePoint limit = Clock::now() + kGoodbyeLimit;
  while (Clock::now() < limit && questions_->ask(question)) {
    Reply reply;
    Progress progress = Progress::busy;
    while (progress == Progress::busy && Clock::now() < limit) {
      pollfd polled{questions_->fd(), questions_->events(), 0};
      poll(&polled, 1, static_cast<int>(kGoodbyeLook.count()));
      progress = questions_->transfer() ? questions_->take_reply(reply) : Progress::failed;
    }
    const bool is_there = progress == Progress::done && !reply.empty() && PQntuples(reply.front().get()) > 0;
    if (!is_there) return;
    std::this_thread::sleep_for(kGoodbyeLook);
  }
}

void StreamSession::fail(std::string why) {
  if (failure_.empty()) failure_ = std::move(why);
}

void StreamSession::fail(const char* doing, const StreamConnection& connection) {
  fail(fmt::format("{}: {}", doing, described(connection.problem())));
}

StreamSession::Ready StreamSession::wait() const {
  std::array<pollfd, 3> polled{{{waker_.fd(), POLLIN, 0}, {-1, 0, 0}, {-1, 0, 0}}};
  if (stream_) polled[1] = {stream_->fd(), stream_->events(), 0};
  polled[2] = {questions_->fd(), questions_->events(), 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_event() - Clock::now());
  const auto milliseconds = std::clamp<std::int64_t>(left.count(), 0, kLongestWait.count());
  poll(polled.data(), polled.size(), static_cast<int>(milliseconds));
  if (polled[0].revents != 0) waker_.clear();
  // A connect that failed before it had a socket has its reason to tell, too.
  return {.stream = stream_ && (polled[1].revents != 0 || polled[1].fd < 0),
          .questions = polled[2].revents != 0 || polled[2].fd < 0};
}

TimePoint StreamSession::next_event() const {
  const TimePoint now = Clock::now();
  const TimePoint next = std::min(now + kLongestWait, stream_ ? stream_->next_event() : TimePoint::max());
  const bool is_tried = level_ == Level::none;
  if (is_tried || question_ != Question::none || (has_epoch_ && !is_in_use(now))) return next;
  const TimePoint catalog = is_outdated_ ? catalog_not_before_ : next_fingerprint();
  return std::min({next, catalog, next_lease()});
}

TimePoint StreamSession::next_lease() const {
  if (lease_is_open_ || !has_epoch_ || level_ == Level::ttl) return TimePoint::max();
  return lease_asked_at_ + (freshness_.lease_is_wanted() ? kSoonestQuestion : kLeaseInterval);
}

TimePoint StreamSession::next_fingerprint() const {
  if (freshness_.catalog_is_wanted()) return fingerprint_asked_at_ + kSoonestQuestion;
  const Duration rarest = std::max(kFingerprintInterval, freshness_.bound() / 2);
  return fingerprint_asked_at_ +
         std::clamp(kFingerprintShare * fingerprint_took_, kFingerprintInterval, rarest);
}

void StreamSession::check_deadlines(TimePoint now) {
  if (question_ != Question::none && now - asked_at_ > kAnswerLimit) {
    return fail("the server does not answer the cache's question");
  }
  // A transaction with a million rows takes its time; as long as it comes, nothing is wrong.
  if (lease_is_open_ && now - std::max(lease_asked_at_, stream_->heard()) > kSilenceLimit) {
    fail("the change stream stands still");
  }
}

// --- the stream -----------------------------------------------------------------------------------------

void StreamSession::try_stream() {
  stream_ = std::make_unique<SlotStream>(target_, database_, freshness_);
}

void StreamSession::follow_stream(TimePoint now) {
  if (!stream_) {
    is_decoding_looked_for_ = is_decoding_looked_for_ || (has_epoch_ && may_rise() && now >= next_try_);
    return;
  }
  stream_->check_deadlines(now);
  if (!stream_->failure().empty()) return give_up_stream();
  if (level_ == Level::bounded) return renew_lease_when_complete();
  if (stream_->is_running() || stream_->is_slow(now)) claim_.reset();  // the server counts it
  if (level_ == Level::none && stream_->is_slow(now)) {
    do_without_stream("the replication slot waits for transactions that were running before it to end");
  }
  // A question that is under way was asked before the stream's beginning.
  if (stream_->is_running() && question_ == Question::none) begin_level(Level::bounded);
}

void StreamSession::give_up_stream() {
  std::string why = stream_->failure();
  if (level_ == Level::bounded || !may_rise()) return fail(std::move(why));
  stream_.reset();
  claim_.reset();
  do_without_stream(std::move(why));
}

void StreamSession::do_without_stream(std::string why) {
  if (!may_rise()) return note_waiting(std::move(why));  // no lower level will do
  next_try_ = Clock::now() + try_pause_;
  try_pause_ = std::min(2 * try_pause_, kLongestTryPause);
  why_no_stream_ = std::move(why);
  is_outbox_looked_for_ = level_ != Level::outbox;
  if (level_ == Level::none) begin_level(Level::ttl);
  if (has_epoch_) note_trouble();
}

/// Asked again and again, it is logged once.
void StreamSession::note_waiting(std::string why) {
  if (freshness_.trouble() == why) return;
  observe::Event("cache waits")
      .with("database", database_)
      .with("server", target_.name())
      .with("why", why)
      .info();
  freshness_.note_trouble(std::move(why));
}

/// Why there is no better level; nothing where there is none.
void StreamSession::note_trouble() {
  if (!may_rise()) return freshness_.note_trouble({});
  freshness_.note_trouble(level_ == Level::outbox ? why_no_stream_
                                                  : fmt::format("{}; {}", why_no_stream_, why_no_outbox_));
}

void StreamSession::begin_level(Level level) {
  if (has_epoch_) freshness_.end_epoch("a better level begins");
  level_ = level;
  has_epoch_ = false;
  is_outbox_looked_for_ = is_outbox_looked_for_ && level != Level::bounded;
  is_outdated_ = true;
  catalog_not_before_ = {};
}

// --- the connection for questions -----------------------------------------------------------------------

void StreamSession::advance_questions() {
  if (question_ == Question::connecting) {
    const Progress progress = questions_->connect();
    if (progress == Progress::failed) return fail("the cache's questions cannot connect", *questions_);
    if (progress == Progress::done) question_ = Question::none;
    return;
  }
  if (!questions_->transfer()) return fail("the connection for the cache's questions was lost", *questions_);
  Reply reply;
  const Progress progress = questions_->take_reply(reply);
  if (progress == Progress::failed) return handle_refusal();
  if (progress == Progress::done) handle_answer(reply);
}

/// Reading the catalog fails when something is dropped meanwhile that it speaks of, or is locked; then it is
/// read again.
void StreamSession::handle_refusal() {
  // Somebody else is at it, or nothing may be written at the moment: later.
  if (question_ == Question::removal) {
    observe::Event("the outbox could not be cleaned")
        .with("database", database_)
        .with("why", questions_->problem().text)
        .warning();
    question_ = Question::none;
    removable_since_ = Clock::now();
    return;
  }
  if (question_ == Question::catalog && questions_->problem().sqlstate == kLockNotAvailable)
    return wait_for_lock();
  const bool again = question_ == Question::catalog && ++catalog_failures_ < kMostCatalogFailures;
  if (!again) return fail("the cache's question was refused", *questions_);
  question_ = Question::none;
  is_outdated_ = true;
  catalog_not_before_ = Clock::now() + catalog_failures_ * kAfterCatalogFailure;
}

/// Nothing is served meanwhile, of which nobody has to hear unless it takes long.
void StreamSession::wait_for_lock() {
  question_ = Question::none;
  is_outdated_ = true;
  const Duration pause = std::min(++catalog_locks_ * kAfterLocked, kLongestCatalogPause);
  catalog_not_before_ = Clock::now() + pause;
  if (pause == kLongestCatalogPause)
    note_waiting("the catalog cannot be read while somebody changes what a view reads: " +
                 questions_->problem().text);
}

void StreamSession::handle_answer(const Reply& reply) {
  switch (std::exchange(question_, Question::none)) {
    case Question::decoding:
      return handle_decoding(reply);
    case Question::outbox:
      return handle_outbox(reply);
    case Question::lease:
      return handle_lease(reply);
    case Question::poll:
      return handle_poll(reply);
    case Question::removal:
      return handle_removal(reply);
    case Question::fingerprint:
      return handle_fingerprint(reply);
    case Question::catalog:
      return handle_catalog(reply);
    case Question::connecting:
    case Question::preparing:
    case Question::none:
      return;
  }
}

bool StreamSession::is_in_use(TimePoint now) const {
  return now - freshness_.last_used() < (level_ == Level::ttl ? kUseOfAsked : kUse);
}

std::size_t StreamSession::needed_statements() const {
  return level_ == Level::outbox ? std::size(kStatements) : kCommonStatements;
}

void StreamSession::prepare_next(TimePoint now) {
  const char* const statement = kStatements[prepared_++];
  question_ = Question::preparing;
  asked_at_ = now;
  if (!questions_->prepare(statement, text_of(statement))) fail("the server cannot be asked", *questions_);
}

void StreamSession::ask_next(TimePoint now) {
  if (question_ != Question::none) return;
  if (is_decoding_looked_for_) return ask_for_decoding(now);
  if (is_outbox_looked_for_) return ask_for_outbox(now);
  if (level_ == Level::none) return;  // that is up to the stream, which is being started
  if (prepared_ < needed_statements()) return prepare_next(now);
  const bool has_outbox = has_epoch_ && level_ == Level::outbox;
  const bool is_used = !has_epoch_ || is_in_use(now);
  if (is_used && now >= next_lease()) {
    has_outbox ? ask_poll(now) : ask_lease(now);
  } else if (is_used && is_outdated_ && now >= catalog_not_before_) {
    ask_catalog(now);
  } else if (is_used && !is_outdated_ && now >= next_fingerprint()) {
    ask_fingerprint(now);
  } else if (has_outbox && now - removable_since_ > kOutboxKept) {
    // Not what we have not looked at ourselves.
    lease_asked_at_ > removable_since_ ? ask_removal(now) : ask_poll(now);
  }
}

void StreamSession::ask_lease(TimePoint now) {
  lease_is_open_ = true;
  lease_asked_at_ = asked_at_ = now;
  lease_visible_below_.reset();
  const std::string nonce = fmt::format("{}.{}", secret_, ++lease_number_);
  stream_->marker().expect_message(nonce);
  question_ = Question::lease;
  if (!questions_->ask_prepared(kLease, nonce)) fail("the server cannot be asked", *questions_);
}

void StreamSession::ask_for_decoding(TimePoint now) {
  is_decoding_looked_for_ = false;
  next_try_ = TimePoint::max();
  question_ = Question::decoding;
  asked_at_ = now;
  const Claim claim = may_rise() || !wish_.was_asked_for ? Claim::spare : Claim::any;
  claim_.emplace();
  if (!questions_->ask(decoding_question(claim, claim_->earlier())))
    fail("the server cannot be asked", *questions_);
}

void StreamSession::ask_for_outbox(TimePoint now) {
  is_outbox_looked_for_ = false;
  question_ = Question::outbox;
  asked_at_ = now;
  if (!questions_->ask(outbox::facts_question())) fail("the server cannot be asked", *questions_);
}

void StreamSession::ask_poll(TimePoint now) {
  question_ = Question::poll;
  lease_asked_at_ = asked_at_ = now;
  if (!questions_->ask_prepared(kPoll, snapshot_)) fail("the server cannot be asked", *questions_);
}

void StreamSession::ask_removal(TimePoint now) {
  question_ = Question::removal;
  asked_at_ = now;
  if (!questions_->ask_prepared(kRemoval, removable_below_)) fail("the server cannot be asked", *questions_);
}

void StreamSession::note_look(TimePoint now) {
  fingerprint_asked_at_ = asked_at_ = now;
  asked_behind_.reset();
  if (level_ != Level::bounded) return;
  const ChangeMarker& marker = stream_->marker();
  if (marker.others_are_below(freshness_.fence().all_visible_below)) asked_behind_ = marker.others();
}

void StreamSession::ask_fingerprint(TimePoint now) {
  note_look(now);
  question_ = Question::fingerprint;
  if (!questions_->ask_prepared(kFingerprint)) fail("the server cannot be asked", *questions_);
}

void StreamSession::ask_catalog(TimePoint now) {
  note_look(now);
  question_ = Question::catalog;
  if (!questions_->ask(catalog_question())) fail("the server cannot be asked", *questions_);
}

void StreamSession::handle_decoding(const Reply& reply) {
  const auto tables = tables_of(reply);
  if (tables.empty() || PQntuples(tables.front()) != 1) return fail("the server's settings cannot be read");
  std::string why(value_of(tables.front(), 0, 0));
  if (why.empty()) return try_stream();
  claim_.reset();
  if (!may_rise()) return fail(std::move(why));
  do_without_stream(std::move(why));
}

void StreamSession::handle_outbox(const Reply& reply) {
  const auto tables = tables_of(reply);
  if (tables.empty() || PQntuples(tables.front()) != 1) return fail("the outbox cannot be looked for");
  why_no_outbox_ = value_of(tables.front(), 0, 0);
  if (wish_.level == config::CacheLevel::outbox && !why_no_outbox_.empty()) return fail(why_no_outbox_);
  if (why_no_outbox_.empty() && level_ != Level::bounded) begin_level(Level::outbox);
  if (has_epoch_) note_trouble();
}

void StreamSession::handle_lease(const Reply& reply) {
  const auto tables = tables_of(reply);
  if (!tables.empty()) lease_visible_below_ = number_of(tables.front(), 0);
  const auto position = tables.empty() ? std::nullopt : number_of(tables.front(), 1);
  if (!lease_visible_below_ || !position) return fail("the answer to the lease's question is not understood");
  stream_->await(*position);
  renew_lease_when_complete();
}

/// Everything that was visible when the question was asked stands before that position in the log.
void StreamSession::renew_lease_when_complete() {
  if (!lease_is_open_ || !lease_visible_below_ || !stream_->is_past_awaited()) return;
  lease_is_open_ = false;
  freshness_.renew_lease(lease_asked_at_, *lease_visible_below_);
  // A transaction that the last look at the catalog has not seen would have come by now.
  if (confirmed_behind_ == stream_->marker().others()) freshness_.note_unchanged_catalog(lease_asked_at_);
}

/// Everything that was visible when the question was asked was visible at the last look or is among this.
void StreamSession::handle_poll(const Reply& reply) {
  const auto tables = tables_of(reply);
  if (tables.empty() || PQntuples(tables.front()) < 1 || PQnfields(tables.front()) != 3)
    return fail("the outbox is not understood");
  const PGresult* const rows = tables.front();
  if (value_of(rows, 0, 1) != "t") return fail("what was in the outbox was removed before it was looked at");
  snapshot_ = value_of(rows, 0, 0);
  for (int row = 0; row < PQntuples(rows); ++row) {
    if (PQgetisnull(rows, row, 2) != 0) continue;
    freshness_.stream_tally().note_change();
    cache::Relation* relation = freshness_.find_relation(value_of(rows, row, 2));
    if (relation != nullptr) relation->note_change(cache::kVisibleToAll);
  }
  freshness_.renew_lease(lease_asked_at_, cache::kNoTransaction);
}

void StreamSession::handle_removal(const Reply& reply) {
  const auto tables = tables_of(reply);
  if (tables.empty() || PQntuples(tables.front()) != 1 || PQnfields(tables.front()) != 2)
    return fail("the outbox is not understood");
  if (value_of(tables.front(), 0, 0) == std::to_string(outbox::kRemovedAtOnce)) return;
  removable_below_ = value_of(tables.front(), 0, 1);
  removable_since_ = Clock::now();
}

void StreamSession::handle_fingerprint(const Reply& reply) {
  fingerprint_took_ = std::chrono::duration_cast<Duration>(Clock::now() - fingerprint_asked_at_);
  const auto tables = tables_of(reply);
  if (tables.empty() || PQntuples(tables.front()) != 1) {
    return fail("the answer to the question for the catalog's fingerprint is not understood");
  }
  if (value_of(tables.front(), 0, 0) != fingerprint_) {
    is_outdated_ = true;
    confirmed_behind_.reset();
    return;
  }
  freshness_.confirm_catalog(fingerprint_asked_at_);
  confirm_catalog();
}

/// Where nothing tells of others' writes, the look at the catalog is the lease: nobody's rows need be noted.
void StreamSession::confirm_catalog() {
  confirmed_behind_ = asked_behind_;
  if (level_ == Level::ttl) freshness_.renew_lease(fingerprint_asked_at_, cache::kNoTransaction);
}

void StreamSession::handle_catalog(const Reply& reply) {
  const auto tables = tables_of(reply);
  const auto newest = tables.size() == 4 ? number_of(tables[0], 0) : std::nullopt;
  if (!newest || PQntuples(tables[1]) != 1 || PQntuples(tables[3]) != 1)
    return fail("the catalog cannot be read");
  if (value_of(tables[1], 0, 0) != value_of(tables[3], 0, 0)) {
    is_outdated_ = true;
    catalog_not_before_ = Clock::now() + kAfterCatalogFailure;
    return;
  }
  fingerprint_ = value_of(tables[1], 0, 0);
  is_outdated_ = false;
  catalog_failures_ = 0;
  if (std::exchange(catalog_locks_, 0) > 0 && has_epoch_) note_trouble();
  const auto took = std::chrono::duration_cast<Duration>(Clock::now() - fingerprint_asked_at_);
  catalog_not_before_ = Clock::now() + std::min(kFingerprintShare * took, kLongestCatalogPause);
  if (has_epoch_) {
    freshness_.replace_catalog(make_catalog(tables[2]), fingerprint_asked_at_);
    // Roles are part of it: the stream may be allowed now.
    next_try_ = std::min(next_try_, Clock::now() + std::max(kFirstTryPause, try_pause_ / 2));
  } else {
    begin_epoch(tables[0], tables[2]);
  }
  confirm_catalog();
}

std::shared_ptr<const Catalog> StreamSession::make_catalog(const PGresult* rows) {
  const auto intern = [this](const std::string& name) {
    return level_ == Level::bounded ? stream_->marker().intern(name) : freshness_.intern_relation(name);
  };
  return Catalog::make(rows_of(rows), intern, level_);
}

void StreamSession::begin_epoch(const PGresult* snapshot, const PGresult* catalog) {
  if (level_ == Level::bounded) stream_->marker().begin_first_catalog(*number_of(snapshot, 0) - 1);
  auto made = make_catalog(catalog);
  if (level_ == Level::bounded) stream_->marker().end_first_catalog();
  snapshot_ = value_of(snapshot, 0, 1);
  removable_below_ = snapshot_.substr(0, snapshot_.find(':'));
  removable_since_ = Clock::now();
  has_epoch_ = has_begun_ = true;
  freshness_.begin_epoch(level_, std::move(made), fingerprint_asked_at_);
  observe::Event event("cache runs");
  event.with("database", database_).with("server", target_.name()).with("level", cache::name_of(level_));
  if (may_rise()) {
    note_trouble();
    event.with("why", freshness_.trouble());
  }
  event.info();
}

}  // namespace forebay::backend
