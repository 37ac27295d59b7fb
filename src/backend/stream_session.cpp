#include "backend/stream_session.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <random>
#include <thread>
#include <vector>

#include <boost/endian/conversion.hpp>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "cache/catalog.hpp"
#include "observe/log.hpp"
#include "wire/data_row.hpp"

namespace forebay::backend {
namespace {

using cache::Catalog;
using cache::ChangeMarker;
using cache::TransactionId;
using Progress = StreamConnection::Progress;
using Reply = StreamConnection::Reply;

/// A lease costs the server one small transaction, one flush of its log and 0.7 ms of processor time
/// (measured). At this distance that is a seventieth of a processor, and twenty fit into the default bound of
/// a second.
constexpr Duration kLeaseInterval{50};
/// As above, when readers wait for a write of ours to be covered.
constexpr Duration kSoonestQuestion{5};
/// Several times within the bound; the question reads the catalog, which costs more than a lease.
constexpr Duration kFingerprintInterval{250};
/// Without use for so long, no question is asked.
constexpr Duration kUse{2'000};
constexpr Duration kStatusInterval{1'000};
constexpr Duration kConnectLimit{10'000};
/// More than the server's own limit for questions (statement_timeout in stream_connection.cpp).
constexpr Duration kAnswerLimit{20'000};
/// The stream has said nothing for so long although a nonce is on its way.
constexpr Duration kSilenceLimit{10'000};
/// The server needs milliseconds to notice that a connection is gone.
constexpr Duration kGoodbyeLimit{500};
constexpr Duration kGoodbyeLook{5};
/// From then on people are told what the slot waits for.
constexpr Duration kSlotIsSlow{2'000};

/// A look at a large catalog takes long: it may take this part of the server's time, as far as the bound
/// allows.
constexpr int kFingerprintShare = 20;
/// While the schema changes all the time, nothing is served for so long at most between two readings of it.
constexpr Duration kLongestCatalogPause{2'000};
constexpr int kMostCatalogFailures = 20;
constexpr Duration kAfterCatalogFailure{50};

constexpr const char* kLease = "lease";
constexpr const char* kFingerprint = "fingerprint";
constexpr const char* kFacts =
    "SELECT pg_catalog.current_setting('wal_level'), pg_catalog.pg_is_in_recovery(), "
    "pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())";

std::string lease_question() {
  return fmt::format(
      "SELECT pg_catalog.pg_logical_emit_message(true, '{}', $1::pg_catalog.text), "
      "pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())",
      ChangeMarker::kPrefix);
}

/// The fingerprint before and after: where it is the same, it is that of the rows. One snapshot for all would
/// not do, since the functions that print definitions look at the present, and it would hold back VACUUM for
/// longer.
std::string catalog_question() {
  return fmt::format("SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()); {0}; {1}; {0}",
                     Catalog::fingerprint_question(), Catalog::question());
}

std::string random_identity() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string_view value_of(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

std::optional<TransactionId> transaction_of(const PGresult* result, int column) {
  if (PQntuples(result) != 1 || PQnfields(result) <= column) return std::nullopt;
  const std::string_view text = value_of(result, 0, column);
  TransactionId transaction = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), transaction);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return transaction;
}

std::vector<wire::Row> rows_of(const PGresult* result) {
  std::vector<wire::Row> rows(static_cast<std::size_t>(PQntuples(result)));
  const int columns = PQnfields(result);
  for (int row = 0; row < PQntuples(result); ++row) {
    wire::Row& values = rows[static_cast<std::size_t>(row)];
    for (int column = 0; column < columns; ++column) {
      const bool is_null = PQgetisnull(result, row, column) != 0;
      values.push_back(is_null ? std::nullopt : std::optional(std::string(value_of(result, row, column))));
    }
  }
  return rows;
}

/// The results that have rows.
std::vector<const PGresult*> tables_of(const Reply& reply) {
  std::vector<const PGresult*> tables;
  for (const auto& result : reply) {
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) tables.push_back(result.get());
  }
  return tables;
}

/// What people can do about an error of the server's, where its own text does not tell.
std::string_view advice(std::string_view sqlstate) {
  if (sqlstate == "42501") return ": the upstream's user needs the REPLICATION attribute";
  if (sqlstate == "53400") return ": raise max_replication_slots";
  if (sqlstate == "53300") return ": raise max_connections or max_wal_senders";
  if (sqlstate == "58P01")
    return ": the server lacks the plugin test_decoding, which is in postgresql-contrib";
  if (sqlstate == "55P03") return ": transactions that were running before the slot do not end";
  return {};
}

/// Numbers in the replication protocol are big endian.
/// https://www.postgresql.org/docs/15/protocol-replication.html
std::uint64_t number_at(std::string_view message, std::size_t at) {
  return boost::endian::load_big_u64(reinterpret_cast<const unsigned char*>(message.data()) + at);
}

constexpr std::size_t kDataHeader = 1 + 8 + 8 + 8;     ///< 'w', start, end of the log, the server's clock
constexpr std::size_t kKeepaliveSize = 1 + 8 + 8 + 1;  ///< 'k', end of the log, clock, whether to answer

std::string status_message(std::uint64_t processed) {
  // 2000-01-01 in Unix time. The server only shows this clock.
  constexpr std::chrono::seconds kPostgresEpoch{946'684'800};
  const auto clock = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch() - kPostgresEpoch);
  std::array<unsigned char, 1 + 4 * 8 + 1> message{'r'};
  for (std::size_t i = 0; i < 3; ++i) boost::endian::store_big_u64(message.data() + 1 + 8 * i, processed);
  boost::endian::store_big_u64(message.data() + 1 + 24, static_cast<std::uint64_t>(clock.count()));
  return std::string(reinterpret_cast<const char*>(message.data()), message.size());
}

}  // namespace

StreamSession::StreamSession(const Target& target, const std::string& database, cache::Freshness& freshness,
                             int wake_fd)
    : target_(target),
      database_(database),
      freshness_(freshness),
      wake_fd_(wake_fd),
      identity_(random_identity()),
      secret_(random_identity()),
      stream_(std::make_unique<StreamConnection>(target, database, StreamConnection::Purpose::replication)) {}

std::string StreamSession::run(const std::function<bool()>& is_to_stop) {
  if (target_.upstream().user.empty()) return "the upstream names no user, which the change stream needs";
  while (!has_failed() && !is_to_stop()) {
    const Ready ready = wait();
    if (ready.stream) advance_stream();
    if (ready.questions && !has_failed()) advance_questions();
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
  stream_.reset();
  if (!questions_ || question_ != Question::none) return;
  const TimePoint limit = Clock::now() + kGoodbyeLimit;
  const std::string question = fmt::format(
      "SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name OPERATOR(pg_catalog.=) 'forebay_{}'",
      identity_);
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
  const auto& problem = connection.problem();
  fail(fmt::format("{}: {}{}", doing, problem.text, advice(problem.sqlstate)));
}

StreamSession::Ready StreamSession::wait() const {
  std::array<pollfd, 3> polled{{{wake_fd_, POLLIN, 0}, {stream_->fd(), stream_->events(), 0}, {-1, 0, 0}}};
  if (questions_) polled[2] = {questions_->fd(), questions_->events(), 0};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_event() - Clock::now());
  const auto milliseconds = std::clamp<std::int64_t>(left.count(), 0, kStatusInterval.count());
  poll(polled.data(), polled.size(), static_cast<int>(milliseconds));
  if (polled[0].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto size = read(wake_fd_, &count, sizeof count);
  }
  // A connect that failed before it had a socket has its reason to tell, too.
  return {.stream = polled[1].revents != 0 || polled[1].fd < 0,
          .questions = polled[2].revents != 0 || (questions_ && polled[2].fd < 0)};
}

TimePoint StreamSession::next_event() const {
  const TimePoint now = Clock::now();
  const TimePoint next = std::min(now + kStatusInterval, next_status_);
  if (question_ != Question::none || (has_begun_ && !is_in_use(now))) return next;
  const TimePoint catalog = is_outdated_ ? catalog_not_before_ : next_fingerprint();
  return std::min({next, catalog, has_begun_ ? next_lease() : TimePoint::max()});
}

TimePoint StreamSession::next_lease() const {
  if (lease_is_open_) return TimePoint::max();
  return lease_asked_at_ + (freshness_.lease_is_wanted() ? kSoonestQuestion : kLeaseInterval);
}

TimePoint StreamSession::next_fingerprint() const {
  if (freshness_.catalog_is_wanted()) return fingerprint_asked_at_ + kSoonestQuestion;
  const Duration rarest = std::max(kFingerprintInterval, freshness_.bound() / 2);
  return fingerprint_asked_at_ +
         std::clamp(kFingerprintShare * fingerprint_took_, kFingerprintInterval, rarest);
}

void StreamSession::check_deadlines(TimePoint now) {
  if (now >= next_status_) send_status(now);
  const bool stream_connects = stream_state_ == Stream::connecting || stream_state_ == Stream::looking;
  if (stream_connects && now - started_ > kConnectLimit) {
    return fail(fmt::format("{} does not answer", target_.name()));
  }
  if (stream_state_ == Stream::making_slot && !slot_waits_ && now - started_ > kSlotIsSlow) {
    slot_waits_ = true;
    freshness_.end_epoch("the replication slot waits for transactions that were running before it to end");
  }
  if (questions_ && question_ != Question::none && now - asked_at_ > kAnswerLimit) {
    return fail("the server does not answer the cache's question");
  }
  // A transaction with a million rows takes its time; as long as it comes, nothing is wrong.
  if (lease_is_open_ && now - std::max(lease_asked_at_, stream_heard_) > kSilenceLimit) {
    fail("the change stream stands still");
  }
}

// --- the connection for replication ---------------------------------------------------------------------

void StreamSession::advance_stream() {
  if (stream_state_ == Stream::connecting) {
    const Progress progress = stream_->connect();
    if (progress == Progress::failed) return fail("the change stream cannot connect", *stream_);
    if (progress == Progress::busy) return;
    stream_state_ = Stream::looking;
    if (!stream_->ask(kFacts)) fail("the server cannot be asked", *stream_);
    return;
  }
  if (!stream_->transfer()) return fail("the change stream was lost", *stream_);
  if (stream_state_ == Stream::running) return read_stream();
  Reply reply;
  const Progress progress = stream_->take_reply(reply);
  if (progress == Progress::failed) return fail("the change stream cannot start", *stream_);
  if (progress == Progress::done) handle_stream_reply(reply);
}

void StreamSession::handle_stream_reply(const Reply& reply) {
  const std::string slot = "\"forebay_" + identity_ + "\"";
  bool sent = true;
  if (stream_state_ == Stream::looking) {
    look_at_server(reply.empty() ? nullptr : reply.front().get());
    if (has_failed()) return;
    stream_state_ = Stream::making_slot;
    sent = stream_->ask("CREATE_REPLICATION_SLOT " + slot +
                        " TEMPORARY LOGICAL test_decoding NOEXPORT_SNAPSHOT");
  } else if (stream_state_ == Stream::making_slot) {
    stream_state_ = Stream::starting;
    sent = stream_->ask("START_REPLICATION SLOT " + slot +
                        " LOGICAL 0/0 (\"include-xids\" 'on', \"skip-empty-xacts\" 'off', "
                        "\"include-timestamp\" 'off')");
  } else {
    stream_state_ = Stream::running;
    next_status_ = Clock::now();
    asked_at_ = Clock::now();
    questions_ = std::make_unique<StreamConnection>(target_, database_, StreamConnection::Purpose::questions);
    return read_stream();
  }
  if (!sent) fail("the change stream was lost", *stream_);
}

void StreamSession::look_at_server(const PGresult* facts) {
  if (facts == nullptr || PQntuples(facts) != 1 || PQnfields(facts) != 3) {
    return fail("the server's settings cannot be read");
  }
  if (const auto level = value_of(facts, 0, 0); level != "logical") {
    return fail(fmt::format("wal_level is {}, not logical", level));
  }
  if (value_of(facts, 0, 1) == "t") {
    return fail("the server is a standby: PostgreSQL decodes changes on the primary alone");
  }
  const auto transaction = transaction_of(facts, 2);
  if (!transaction) return fail("the server's snapshot cannot be read");
  marker_.emplace(freshness_, *transaction);
}

void StreamSession::read_stream() {
  std::optional<StreamConnection::Message> message;
  while (!has_failed()) {
    const Progress progress = stream_->take_message(message);
    if (progress == Progress::failed) return fail("the change stream has ended", *stream_);
    if (progress == Progress::busy) return renew_lease_when_complete();
    handle_stream_message(message->bytes());
  }
}

void StreamSession::handle_stream_message(std::string_view message) {
  stream_heard_ = Clock::now();
  if (message.front() == 'w' && message.size() >= kDataHeader) {
    processed_ = std::max(processed_, number_at(message, 1));
    if (!marker_->note(message.substr(kDataHeader))) {
      fail("the change stream holds something that is not understood");
    }
  } else if (message.front() == 'k' && message.size() == kKeepaliveSize) {
    processed_ = std::max(processed_, number_at(message, 1));
    if (message.back() != 0) send_status(stream_heard_);
  } else {
    fail("the change stream does not keep to its protocol");
  }
}

/// Lets the server discard what is behind us. The slot is never used again, so nothing more depends on it.
void StreamSession::send_status(TimePoint now) {
  next_status_ = now + kStatusInterval;
  if (!stream_->put_message(status_message(processed_))) fail("the change stream was lost", *stream_);
}

// --- the connection for questions -----------------------------------------------------------------------

void StreamSession::advance_questions() {
  if (question_ == Question::connecting) {
    const Progress progress = questions_->connect();
    if (progress == Progress::failed) return fail("the cache's questions cannot connect", *questions_);
    if (progress == Progress::busy) return;
    question_ = Question::preparing_lease;
    if (!questions_->prepare(kLease, lease_question())) fail("the server cannot be asked", *questions_);
    return;
  }
  if (!questions_->transfer()) return fail("the connection for the cache's questions was lost", *questions_);
  Reply reply;
  const Progress progress = questions_->take_reply(reply);
  if (progress == Progress::failed) return handle_refusal();
  if (progress == Progress::done) handle_answer(reply);
}

/// Reading the catalog fails when something is dropped meanwhile that it speaks of; then it is read again.
void StreamSession::handle_refusal() {
  const bool again = question_ == Question::catalog && ++catalog_failures_ < kMostCatalogFailures;
  if (!again) return fail("the cache's question was refused", *questions_);
  question_ = Question::none;
  is_outdated_ = true;
  catalog_not_before_ = Clock::now() + catalog_failures_ * kAfterCatalogFailure;
}

void StreamSession::handle_answer(const Reply& reply) {
  switch (std::exchange(question_, Question::none)) {
    case Question::preparing_lease:
      question_ = Question::preparing_fingerprint;
      if (!questions_->prepare(kFingerprint, std::string(Catalog::fingerprint_question()))) {
        fail("the server cannot be asked", *questions_);
      }
      return;
    case Question::preparing_fingerprint:
      is_outdated_ = true;
      return;
    case Question::lease:
      return handle_lease(reply);
    case Question::fingerprint:
      return handle_fingerprint(reply);
    case Question::catalog:
      return handle_catalog(reply);
    case Question::connecting:
    case Question::none:
      return;
  }
}

bool StreamSession::is_in_use(TimePoint now) const {
  return now - freshness_.last_used() < kUse;
}

void StreamSession::ask_next(TimePoint now) {
  if (question_ != Question::none || (has_begun_ && !is_in_use(now))) return;
  if (has_begun_ && now >= next_lease()) {
    ask_lease(now);
  } else if (is_outdated_ && now >= catalog_not_before_) {
    ask_catalog(now);
  } else if (!is_outdated_ && now >= next_fingerprint()) {
    ask_fingerprint(now);
  }
}

void StreamSession::ask_lease(TimePoint now) {
  lease_is_open_ = true;
  lease_asked_at_ = asked_at_ = now;
  lease_visible_below_.reset();
  const std::string nonce = fmt::format("{}.{}", secret_, ++lease_number_);
  marker_->await_message(nonce);
  question_ = Question::lease;
  if (!questions_->ask_prepared(kLease, nonce)) fail("the server cannot be asked", *questions_);
}

void StreamSession::note_look(TimePoint now) {
  fingerprint_asked_at_ = asked_at_ = now;
  asked_behind_.reset();
  if (marker_->others_are_below(freshness_.fence().all_visible_below)) asked_behind_ = marker_->others();
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

void StreamSession::handle_lease(const Reply& reply) {
  const auto tables = tables_of(reply);
  if (!tables.empty()) lease_visible_below_ = transaction_of(tables.front(), 1);
  if (!lease_visible_below_) return fail("the answer to the lease's question is not understood");
  renew_lease_when_complete();
}

/// Everything that was visible when the question was asked stands before the nonce in the stream.
void StreamSession::renew_lease_when_complete() {
  if (!lease_is_open_ || !lease_visible_below_ || !marker_->has_come()) return;
  lease_is_open_ = false;
  freshness_.renew_lease(lease_asked_at_, *lease_visible_below_);
  // A transaction that the last look at the catalog has not seen would have come by now.
  if (confirmed_behind_ == marker_->others()) freshness_.note_unchanged_catalog(lease_asked_at_);
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
  confirmed_behind_ = asked_behind_;
  freshness_.confirm_catalog(fingerprint_asked_at_);
}

void StreamSession::handle_catalog(const Reply& reply) {
  const auto tables = tables_of(reply);
  const auto newest = tables.size() == 4 ? transaction_of(tables[0], 0) : std::nullopt;
  if (!newest || PQntuples(tables[1]) != 1 || PQntuples(tables[3]) != 1)
    return fail("the catalog cannot be read");
  if (value_of(tables[1], 0, 0) != value_of(tables[3], 0, 0)) {
    is_outdated_ = true;
    catalog_not_before_ = Clock::now() + kAfterCatalogFailure;
    return;
  }
  fingerprint_ = value_of(tables[1], 0, 0);
  confirmed_behind_ = asked_behind_;
  is_outdated_ = false;
  catalog_failures_ = 0;
  const auto took = std::chrono::duration_cast<Duration>(Clock::now() - fingerprint_asked_at_);
  catalog_not_before_ = Clock::now() + std::min(kFingerprintShare * took, kLongestCatalogPause);
  if (!has_begun_) marker_->begin_first_catalog(*newest - 1);
  auto catalog =
      Catalog::make(rows_of(tables[2]), [this](const std::string& name) { return marker_->intern(name); });
  if (has_begun_) return freshness_.replace_catalog(std::move(catalog), fingerprint_asked_at_);
  marker_->end_first_catalog();
  has_begun_ = true;
  freshness_.begin_epoch(std::move(catalog), fingerprint_asked_at_);
  observe::Event("change stream runs").with("database", database_).with("server", target_.name()).info();
}

}  // namespace forebay::backend
