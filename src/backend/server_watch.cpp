#include "backend/server_watch.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <poll.h>

#include "backend/answer_settings.hpp"
#include "backend/host_lookup.hpp"
#include "backend/stream_connection.hpp"

namespace forebay::backend {

namespace {

using Progress = StreamConnection::Progress;

/// Between two questions to a server while somebody waits for what no replica covers yet.
constexpr Duration kSoonestQuestion{2};
/// Nobody waits for longer.
constexpr Duration kLongestWish{50};
/// Between two questions to the only server: they are for those who watch.
constexpr Duration kAloneInterval{1'000};
/// Between attempts to reach a server that is not there, at least.
constexpr Duration kRetryPause{100};
/// Between two questions for what a server is set to.
constexpr Duration kSettingsInterval{5'000};

/// Both kinds of server answer it. The identifier and the names of WAL files tell clusters and timelines
/// apart without any right; what a replica receives is shown to pg_read_all_stats only.
constexpr const char* kQuestion =
    "SELECT pg_catalog.pg_is_in_recovery(), "
    "CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() "
    "ELSE pg_catalog.pg_current_wal_insert_lsn() END - '0/0'::pg_catalog.pg_lsn, "
    "CASE WHEN pg_catalog.pg_is_in_recovery() "
    "THEN (SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver)::pg_catalog.int8 "
    "ELSE ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, "
    "8))"
    "::pg_catalog.bit(32)::pg_catalog.int8 END, "
    "(SELECT system_identifier FROM pg_catalog.pg_control_system()), "
    "CASE WHEN NOT pg_catalog.pg_is_in_recovery() "
    "THEN pg_catalog.pg_current_wal_flush_lsn() - '0/0'::pg_catalog.pg_lsn END";

/// The last records of a log stay unflushed, and so unsent, when nobody commits behind them: those of a page
/// that was tidied up while it was read, for example. They may belong to a commit that did not wait for them
/// (synchronous_commit = off) as well, which is why they count.
constexpr const char* kFlush = "SELECT pg_catalog.pg_logical_emit_message(true, 'forebay', '')";

template <class T>
T number_in(const PGresult* row, int column) {
  const std::string_view text = PQgetvalue(row, 0, column);
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<route::Answer> read_answer(const StreamConnection::Reply& reply) {
  const PGresult* row = reply.empty() ? nullptr : reply.front().get();
  if (row == nullptr || PQntuples(row) != 1 || PQnfields(row) != 5) return std::nullopt;
  return route::Answer{.is_in_recovery = PQgetvalue(row, 0, 0)[0] == 't',
                       .position = number_in<route::Position>(row, 1),
                       .timeline = number_in<route::Timeline>(row, 2),
                       .system = static_cast<std::uint64_t>(number_in<std::int64_t>(row, 3))};
}

config::Health health_of(const config::Settings& settings) {
  config::Health health = settings.health;
  if (settings.replicas.empty()) health.interval = std::max(health.interval, kAloneInterval);
  return health;
}

std::vector<route::RollCall::Member> members_of(const config::Settings& settings) {
  std::vector<route::RollCall::Member> members;
  for (const config::Upstream& server : servers_of(settings)) {
    const std::size_t at = members.size();
    const std::string& own = settings.routing.zone;
    const std::string& zone = at == 0 ? settings.routing.upstream_zone : settings.replicas[at - 1].zone;
    members.push_back({.name = server_name(server),
                       .weight = at == 0 ? 1 : settings.replicas[at - 1].weight,
                       .zone = zone,
                       .is_near = own.empty() || zone == own});
  }
  return members;
}

}  // namespace

std::vector<config::Upstream> servers_of(const config::Settings& settings) {
  std::vector<config::Upstream> servers = {settings.upstream};
  for (const config::Replica& replica : settings.replicas) {
    servers.push_back(settings.upstream);
    servers.back().host = replica.host;
    servers.back().port = replica.port;
  }
  return servers;
}

/// The connection to one server, and the question that is under way there.
class ServerWatch::Visitor {
 public:
  Visitor(std::size_t server, const config::Upstream& upstream, const config::Health& health,
          route::RollCall& roll_call, std::function<void()> wake)
      : server_(server),
        database_(upstream.database.empty() ? "postgres" : upstream.database),
        health_(health),
        roll_call_(roll_call),
        lookup_(upstream, std::move(wake)) {}

  pollfd polled() const {
    if (connection_ == nullptr) return {-1, 0, 0};
    // While nothing is asked, the end of the connection is waited for: a server that goes and comes back
    // between two questions may show less than before.
    if (!is_under_way_) return {connection_->fd(), POLLIN, 0};
    return {connection_->fd(), connection_->events(), 0};
  }
  TimePoint next_event() const { return is_under_way_ ? asked_ + health_.timeout : next_; }
  TimePoint asked() const { return asked_; }
  /// Unless a question is under way.
  void ask_by(TimePoint then) { next_ = std::min(next_, then); }
  /// Of a primary: whether it keeps something to itself that it may have acknowledged.
  bool has_unflushed() const { return has_unflushed_; }
  bool stands_still() const { return stands_still_; }
  /// It is made to flush with the next question.
  void flush(TimePoint now) {
    is_flush_wanted_ = true;
    ask_by(now);
  }
  /// Where it is; null until its name has been looked up.
  const std::shared_ptr<const Target>& target() const { return target_; }

  /// Begins and goes on with what is due. True when something has been learned.
  bool advance(TimePoint now, bool has_events) {
    if (!is_under_way_) {
      if (has_events && connection_ != nullptr && !connection_->transfer()) {
        fail(described(connection_->problem()), now);
        return true;
      }
      return now >= next_ && begin(now);
    }
    if (connection_ != nullptr && (has_events || connection_->fd() < 0))
      return is_connected_ ? read(now) : connect(now);
    if (connection_ == nullptr && start_connecting(now)) return true;
    if (now - asked_ < health_.timeout) return false;
    fail(connection_ == nullptr
             ? fmt::format("its name has not been looked up within {} ms", health_.timeout.count())
             : fmt::format("no answer within {} ms", health_.timeout.count()),
         now);
    return true;
  }

 private:
  bool begin(TimePoint now) {
    asked_ = now;
    is_under_way_ = true;
    follow_name();
    return connection_ == nullptr ? start_connecting(now) : !ask(now);
  }

  /// A connection to what its name means no more is left; what is there may be another server.
  void follow_name() {
    auto outcome = lookup_.outcome();
    if (outcome.target == nullptr || outcome.target == target_) return;
    const bool is_first = target_ == nullptr;
    target_ = std::move(outcome.target);
    if (is_first || (connection_ != nullptr && target_->has_address(connection_->address()))) return;
    connection_.reset();
    is_connected_ = has_answered_ = is_flush_wanted_ = has_unflushed_ = false;
    roll_call_.note_move(server_);
  }

  /// Unless its name is still being looked up. True when there is nothing to wait for: it has failed.
  bool start_connecting(TimePoint now) {
    follow_name();
    if (target_ == nullptr) {
      std::string problem = lookup_.outcome().problem;
      if (problem.empty()) return false;
      fail(std::move(problem), now);
      return true;
    }
    asked_ = now;
    connection_ = std::make_unique<StreamConnection>(*target_, database_, StreamConnection::Purpose::health);
    is_connected_ = false;
    // Not before it is writable, or libpq waits for that. Without a socket it has a reason to tell.
    return connection_->fd() < 0 && connect(now);
  }

  bool connect(TimePoint now) {
    switch (connection_->connect()) {
      case Progress::busy:
        return false;
      case Progress::failed:
        fail(described(connection_->problem()), now);
        return true;
      case Progress::done:
        break;
    }
    is_connected_ = true;
    asked_ = now;
    next_settings_ = now;
    return !ask(now);
  }

  bool ask(TimePoint now) {
    asking_ = Asking::state;
    if (is_flush_wanted_) asking_ = Asking::flush;
    if (now >= next_settings_) asking_ = Asking::settings;
    if (connection_->ask(question())) return true;
    fail(described(connection_->problem()), now);
    return false;
  }

  const char* question() const {
    switch (asking_) {
      case Asking::settings:
        return kAnswerSettingsQuestion;
      case Asking::flush:
        return kFlush;
      case Asking::state:
        break;
    }
    return kQuestion;
  }

  bool read(TimePoint now) {
    StreamConnection::Reply reply;
    const Progress progress = connection_->transfer() ? connection_->take_reply(reply) : Progress::failed;
    if (progress == Progress::busy) return false;
    if (asking_ == Asking::flush) is_flush_wanted_ = false;
    if (progress == Progress::done && asking_ != Asking::state) {
      if (asking_ == Asking::flush) {
        has_unflushed_ = false;
      } else {
        roll_call_.note_settings(server_, read_answer_settings(reply));
        next_settings_ = asked_ + kSettingsInterval;
      }
      is_under_way_ = false;
      next_ = now;
      return false;
    }
    const auto answer = progress == Progress::done ? read_answer(reply) : std::nullopt;
    if (!answer) {
      fail(described(connection_->problem()), now);
      return true;
    }
    is_under_way_ = false;
    next_ = asked_ + health_.interval;
    const route::Position end = route::end_of_last_record(answer->position);
    has_unflushed_ = !answer->is_in_recovery && number_in<route::Position>(reply.front().get(), 4) < end;
    stands_still_ = std::exchange(position_, answer->position) == answer->position;
    route::Answer told = *answer;
    told.is_first = !std::exchange(has_answered_, true);
    roll_call_.note_answer(server_, told, asked_);
    return true;
  }

  /// A connection that breaks after it has been of use says little of the server: it is tried again at once.
  void fail(std::string why, TimePoint now) {
    const bool was_connected = std::exchange(has_answered_, false);
    connection_.reset();
    is_connected_ = is_under_way_ = is_flush_wanted_ = has_unflushed_ = false;
    next_ = was_connected ? now : now + std::max(health_.interval, kRetryPause);
    lookup_.hurry();
    roll_call_.note_failure(server_, std::move(why));
  }

  enum class Asking { settings, flush, state };

  const std::size_t server_;
  const std::string database_;
  const config::Health& health_;
  route::RollCall& roll_call_;
  HostLookup lookup_;
  std::shared_ptr<const Target> target_;
  std::unique_ptr<StreamConnection> connection_;
  bool is_connected_ = false;
  bool is_under_way_ = false;  ///< a question, or the connecting before it
  bool has_answered_ = false;  ///< on this connection
  bool is_flush_wanted_ = false;
  bool has_unflushed_ = false;
  bool stands_still_ = false;      ///< since the answer before
  Asking asking_ = Asking::state;  ///< of what is under way, once connected
  route::Position position_ = 0;
  TimePoint asked_{};
  TimePoint next_{};
  TimePoint next_settings_{};
};

ServerWatch::ServerWatch(config::SettingsPtr settings, std::uint64_t generation, route::Board& board,
                         route::History history, OnChange on_change)
    : settings_(std::move(settings)),
      board_(board),
      health_(health_of(*settings_)),
      on_change_(std::move(on_change)),
      roll_call_(generation, members_of(*settings_),
                 {.max_lag = settings_->routing.max_lag, .tries = settings_->health.tries}, history) {
  for (const config::Upstream& server : servers_of(*settings_)) {
    visitors_.push_back(
        std::make_unique<Visitor>(visitors_.size(), server, health_, roll_call_, [this] { waker_.wake(); }));
  }
  targets_.resize(visitors_.size());
  publish();
  board_.set_waker([this] { waker_.wake(); });
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ServerWatch::~ServerWatch() {
  board_.set_waker(nullptr);
  thread_.request_stop();
  waker_.wake();
  thread_.join();
}

void ServerWatch::run(const std::stop_token& stop) {
  std::vector<pollfd> polled(visitors_.size() + 1);
  TimePoint wished{};
  while (!stop.stop_requested()) {
    const TimePoint now = Clock::now();
    bool has_news = false;
    for (std::size_t at = 0; at < visitors_.size(); ++at)
      has_news = visitors_[at]->advance(now, polled[at].revents != 0) || has_news;
    const bool has_moved = take_targets();
    if (has_news || has_moved) {
      const auto changes = roll_call_.judge(now);
      const auto topology = publish();
      if (has_moved || !changes.empty()) on_change_(*topology, changes, targets_);
    }
    if (board_.take_wish()) wished = now;
    TimePoint next = now + health_.interval;
    plan(now, wished);
    for (std::size_t at = 0; at < visitors_.size(); ++at) {
      polled[at] = visitors_[at]->polled();
      // A connect that failed before it had a socket has its reason to tell.
      next = std::min(next, visitors_[at]->next_event());
    }
    polled.back() = {waker_.fd(), POLLIN, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    poll(polled.data(), polled.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (polled.back().revents != 0) waker_.clear();
  }
}

/// Whether a server is somewhere else than before.
bool ServerWatch::take_targets() {
  bool has_moved = false;
  for (std::size_t at = 0; at < visitors_.size(); ++at) {
    if (targets_[at] == visitors_[at]->target()) continue;
    targets_[at] = visitors_[at]->target();
    has_moved = true;
  }
  return has_moved;
}

std::shared_ptr<const route::Topology> ServerWatch::publish() {
  auto topology = std::make_shared<route::Topology>(roll_call_.topology());
  topology->settings = settings_;
  board_.publish(topology);
  return topology;
}

/// Replicas are asked right behind the primary; and soon again when somebody waits for what they do not cover
/// yet.
void ServerWatch::plan(TimePoint now, TimePoint wished) {
  const route::Topology& topology = roll_call_.topology();
  if (!topology.primary || topology.servers.size() < 2) return;
  Visitor& primary = *visitors_[*topology.primary];
  const bool hurries = now - wished < kLongestWish;
  if (hurries && topology.primary_seen < wished) primary.ask_by(primary.asked() + kSoonestQuestion);
  if (primary.has_unflushed() && (hurries || primary.stands_still())) primary.flush(now);
  for (std::size_t at = 0; at < visitors_.size(); ++at) {
    if (at == *topology.primary) continue;
    Visitor& visitor = *visitors_[at];
    const route::Server& server = topology.servers[at];
    if (visitor.asked() < topology.primary_seen) visitor.ask_by(now);
    const bool follows = server.role == route::Role::replica && server.state == route::State::up;
    if (hurries && follows && topology.primary_seen >= wished && server.covered < topology.primary_seen)
      visitor.ask_by(visitor.asked() + kSoonestQuestion);
  }
}

}  // namespace forebay::backend
