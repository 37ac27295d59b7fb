// Reads outside a transaction, which any server may answer that shows all that the client has seen.

#include "engine/session_routing.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include "backend/pool_directory.hpp"
#include "engine/burst.hpp"
#include "engine/code_watch.hpp"
#include "engine/directives.hpp"
#include "engine/explanation.hpp"
#include "engine/prepared_statement.hpp"
#include "engine/read_request.hpp"
#include "engine/session.hpp"
#include "engine/session_calls.hpp"
#include "engine/session_reads.hpp"
#include "route/balancer.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

/// After something else a client's reads stay with the primary for so long: more of it may follow.
constexpr Duration kStay{5};
/// How long a read waits for a replica to catch up, so that the client's next ones need not go to the
/// primary: the watch asks the primary and a replica for it.
constexpr Duration kCatchUp{10};
constexpr Duration kLook{1};
/// After a wait in vain the next one comes later and later.
constexpr Duration kFirstPause{200};
constexpr Duration kLongestPause{10'000};
/// A look at a held session costs the server about a millisecond.
constexpr Duration kBetweenLooks{1'000};
/// Then the primary is asked as without replicas, and what it says is the client's.
constexpr int kMostFailures = 3;

/// A place in the log that another connection has read from the primary, pg_current_wal_insert_lsn() for
/// example, set by an application that reads here what it wrote there.
constexpr std::string_view kPosition = "forebay.position";

/// As PostgreSQL writes a pg_lsn: two hexadecimal numbers with a slash between them.
std::optional<route::Position> read_position(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  route::Position position = 0;
  for (const std::string_view part : {text.substr(0, slash), text.substr(slash + 1)}) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number, 16);
    if (error != std::errc() || end != part.data() + part.size()) return std::nullopt;
    position = position << 32U | number;
  }
  return position;
}

route::Balancer& balancer() {
  thread_local route::Balancer balancer;
  return balancer;
}

/// Prepared statements that are known to read no sequence, so that their texts need not be judged again: the
/// last one of each place, for each thread.
class SequenceFree {
 public:
  static bool is_known(const PreparedStatement& statement, std::uint64_t sequences) {
    const Known& known = place_of(statement);
    return known.statement == statement.id && known.sequences == sequences &&
           sequences != CodeWatch::kInDoubt;
  }
  /// What has become known of the database meanwhile has another number, so this one is never true of it.
  static void remember(const PreparedStatement& statement, std::uint64_t sequences) {
    place_of(statement) = {statement.id, sequences};
  }

 private:
  struct Known {
    std::uint64_t statement = 0;
    std::uint64_t sequences = CodeWatch::kInDoubt;
  };
  static Known& place_of(const PreparedStatement& statement) {
    thread_local std::array<Known, 1024> places;
    return places[statement.id % places.size()];
  }
};

/// The client's own cancel, or a limit of its own: statement_timeout, transaction_timeout. A replica that
/// cancels for a reason of its own says something else
/// (https://www.postgresql.org/docs/15/hot-standby.html, 27.4.2).
bool is_meant(std::string_view sqlstate) {
  return sqlstate == wire::sqlstate::kQueryCanceled || sqlstate == wire::sqlstate::kTransactionTimeout;
}

}  // namespace

void Session::begin_routing() {
  routing_ = std::make_unique<SessionRouting>([this] { look_again(); });
  if (ran_anything_) note_primary();
}

/// Whatever comes first in the session that is not known to be a read alone, or leaves something there, is
/// the primary's; so is what comes behind it until that is gone.
bool Session::may_route(char type) const {
  using namespace wire::frontend;
  if (type != kQuery && type != kBind && type != kParse) return false;
  const bool is_quiet = backend_ == nullptr && !waiting_ && !in_batch_ && !barrier_ && !asking_ &&
                        !preparing_ && effects_.empty() && touched_settings_ == nullptr &&
                        held_because_.empty() && to_server().empty();
  return is_quiet && !pool_->rules().reads_from_primary && !routing_->attempt.is_open && !refills_ &&
         pool_->rules().mode != config::PoolMode::session && !is_replication();
}

/// A client that keeps its backend stays with the primary. A look at its session now and then is worth its
/// price where a replica could answer: what held it may be gone.
bool Session::looks_for_release(const std::byte* at, std::size_t size) {
  thread_local ReadBatch batch;
  if (held_because_.empty() || backend_ == nullptr || in_batch_ || asking_ || preparing_ || !may_probe())
    return false;
  const TimePoint now = net::Loop::current()->now();
  if (now - routing_->looked_at < kBetweenLooks || !pool_->directory().board().has_choice()) return false;
  if (!batch.read(as_text({at, size}), names_.get()) || !are_plain_reads(batch, {})) return false;
  routing_->looked_at = now;
  probe();
  return true;
}

/// Decides which server the batch at the front of the input goes to. `incomplete`: as without replicas.
Session::Step Session::route_batch(const std::byte* at, std::size_t size) {
  thread_local ReadBatch batch;
  SessionRouting& routing = *routing_;
  route::Board& board = pool_->directory().board();
  routing.is_plain = false;
  if (!board.has_choice()) return Step::incomplete;
  using backend::PoolCounters;
  PoolCounters& counters = pool_->counters();
  if (routing.failures >= kMostFailures) {
    PoolCounters::add(counters.primary_reads_failed, 1);
    return Step::incomplete;
  }
  const route::Topology& topology = board.here();
  if (topology.servers.empty() || !batch.read(as_text({at, size}), names_.get())) return Step::incomplete;
  if (!are_plain_reads(batch, topology.settings->routing.primary_relations)) return Step::incomplete;
  const auto floor = floor_of(batch, *topology.settings);
  if (!floor) {
    PoolCounters::add(counters.primary_reads_wanted, 1);
    return Step::incomplete;
  }
  routing.is_plain = true;
  const TimePoint now = Clock::now();
  const bool is_filling = reads_ != nullptr && reads_->is_filling();
  // All that is idle there may be dead as well: it is not asked again before the watch has heard of it.
  const bool is_in_doubt = topology.is_primary(route::State::up) && routing.primary_lost_at != TimePoint() &&
                           topology.primary_seen <= routing.primary_lost_at;
  if (topology.is_primary(route::State::up) && !is_in_doubt && (is_filling || code_->wants_look(now))) {
    // For both the primary has to be asked; and it may be lost meanwhile.
    PoolCounters::add(counters.primary_reads_kept, 1);
    open_attempt(topology, *topology.primary, {at, batch.size}, size == batch.size, now);
    return Step::used;
  }
  if (is_filling) reads_->abandon();  // what a replica answers is not kept
  const auto failed = std::exchange(routing.avoided, std::nullopt);
  const auto chosen =
      balancer().choose(topology, routing.reader, *floor, now, is_in_doubt ? topology.primary : failed);
  const bool wants_another = !chosen.server || chosen.wants_another;
  if (wants_another && waits_for_replica(topology, now, chosen.server.has_value())) return Step::blocked;
  if (routing.waits_since != TimePoint() && !wants_another) routing.pause = {};
  routing.waits_since = {};
  const auto server = chosen.server ? chosen.server : topology.primary;
  if (!server) return Step::incomplete;
  if (is_in_doubt && server == topology.primary) return wait_for_news();
  const bool is_asked = open_attempt(topology, *server, {at, batch.size}, size == batch.size, now);
  PoolCounters::add(!is_asked                    ? counters.primary_reads_failed
                    : server != topology.primary ? counters.replica_reads
                    : chosen.server              ? counters.primary_reads_chosen
                                                 : counters.primary_reads_behind,
                    1);
  return Step::used;
}

/// What a replica has to show that answers the batch; nothing when none may.
std::optional<route::Floor> Session::floor_of(const ReadBatch& batch,
                                              const config::Settings& settings) const {
  route::Floor floor;
  if (settings.routing.reads_see == config::ReadsSee::all)
    floor.written_at = pool_->directory().board().written_at();
  // What it connected with is a name at most.
  const std::string* position =
      settings_ == initial_settings_ ? nullptr : backend::find_setting(settings_, kPosition);
  if (position != nullptr) {
    const auto known = read_position(*position);
    if (!known) return std::nullopt;
    floor.position = *known;
  }
  floor.is_any = !batch.requests.empty();
  for (const ReadRequest& request : batch.requests) {
    const auto read =
        has_directives(request.text) ? directives_of(request.text).read : Directives::Read::fresh;
    if (read == Directives::Read::primary) return std::nullopt;
    floor.is_any = floor.is_any && read == Directives::Read::any;
  }
  return floor;
}

/// Reads and nothing else, of other relations than these.
bool Session::are_plain_reads(const ReadBatch& batch, const std::vector<std::string>& but_of) {
  const bool effects_are_all =
      but_of.empty() && !code_->matters() && !effects_.has(sql::Effect::changes_schema);
  const std::uint64_t sequences = code_->sequences();
  return std::ranges::all_of(batch.requests, [&](const ReadRequest& request) {
    if (request.max_rows != 0) return false;
    if (request.statement != nullptr && effects_are_all) {
      if (!request.statement->effects.empty()) return false;
      if (sequences == CodeWatch::kNoSequences || SequenceFree::is_known(*request.statement, sequences))
        return true;
    }
    const sql::Verdict& verdict = judge(request.text);
    const auto is_named = [&verdict](const std::string& relation) {
      return std::ranges::binary_search(verdict.relations, relation);
    };
    if (std::ranges::any_of(but_of, is_named)) return false;
    if (request.simple && explained_statement(request.text)) return false;  // which is answered here
    if (!verdict.effects.empty() || !reach_of(verdict).empty()) return false;
    if (sequences == CodeWatch::kNoSequences) return true;
    if (code_->reads_sequence(verdict)) return false;
    if (request.statement != nullptr) SequenceFree::remember(*request.statement, sequences);
    return true;
  });
}

/// A client whose last answer was the primary's would stay there for as long as it asks without a break. So
/// one of its reads waits until a replica shows as much; so does now and then one whose replica has had much
/// more than another, which `has_server`.
bool Session::waits_for_replica(const route::Topology& topology, TimePoint now, bool has_server) {
  SessionRouting& routing = *routing_;
  const bool is_possible = std::ranges::any_of(topology.servers, [](const route::Server& server) {
    return server.role == route::Role::replica && server.state == route::State::up && server.weight > 0;
  });
  if (!is_possible || !topology.is_primary(route::State::up) || now - routing.busy_at < kStay ||
      now < routing.waits_not_before)
    return false;
  if (routing.waits_since == TimePoint()) {
    if (has_server && !balancer().may_wait(now)) return false;
    routing.waits_since = now;
  }
  if (now - routing.waits_since >= kCatchUp) {
    routing.pause = std::clamp(2 * routing.pause, kFirstPause, kLongestPause);
    routing.waits_not_before = now + routing.pause;
    return false;
  }
  wait_for_news();
  return true;
}

Session::Step Session::wait_for_news() {
  pool_->directory().board().want_news();
  routing_->next_look.start(*net::Loop::current(), kLook);
  return Step::blocked;
}

void Session::look_again() {
  if (blocked_) unblock();
}

/// False when it cannot be asked: then the primary is, as without replicas.
bool Session::open_attempt(const route::Topology& topology, std::size_t server, Bytes batch, bool is_alone,
                           TimePoint now) {
  SessionRouting& routing = *routing_;
  Attempt& attempt = routing.attempt;
  const bool is_primary = server == topology.primary;
  // What follows it need not wait for its answer where there is nothing to be chosen.
  if (is_primary && !is_alone) return true;
  if (!is_primary && !find_lender(topology, server)) return false;
  attempt.is_replicas = !is_primary;
  attempt.server = server;
  attempt.generation = topology.generation;
  attempt.incarnation = topology.servers[server].incarnation;
  attempt.batch.assign(batch.begin(), batch.end());
  attempt.left = batch.size();
  attempt.held.clear();
  attempt.is_open = true;
  attempt.is_passing = attempt.has_failed = attempt.is_cold = false;
  attempt.started = now;
  balancer().note_start(topology, server, attempt.started);
  return true;
}

/// False when there is no pool on that server, and none can be made.
bool Session::find_lender(const route::Topology& topology, std::size_t server) {
  SessionRouting::Lender& lender = routing_->lender;
  if (lender.pool != nullptr && lender.server == server && lender.generation == topology.generation)
    return true;
  lender = {pool_->directory().for_reads(pool_, topology.servers[server].name), server, topology.generation};
  return lender.pool != nullptr;
}

bool Session::is_on_replica() const {
  return routing_ != nullptr && routing_->attempt.is_on_replica();
}

/// Of which a backend is borrowed.
backend::Pool& Session::lender() const {
  return is_on_replica() ? *routing_->lender.pool : *pool_;
}

/// Everything has been answered.
void Session::note_answered() {
  Attempt& attempt = routing_->attempt;
  const TimePoint now = Clock::now();
  routing_->failures = 0;
  if (!attempt.is_open) {
    attempt.give_back_room();  // of one that has failed
    if (!std::exchange(routing_->is_plain, false)) routing_->busy_at = now;
    return routing_->reader.note_primary(now);
  }
  const route::Topology& topology = pool_->directory().board().here();
  if (attempt.is_on_replica() && attempt.is_as_chosen(topology)) {
    routing_->reader.note_replica(topology, attempt.server, now);
  } else {
    routing_->reader.note_primary(now);
  }
  close_attempt(attempt.is_cold ? 0 : std::max<std::uint64_t>(micros_between(attempt.started, now), 1), now);
  attempt.give_back_room();
}

void Session::note_primary() {
  routing_->busy_at = Clock::now();
  routing_->reader.note_primary(routing_->busy_at);
}

/// `micros`: that the answer took; 0 when there was none.
void Session::close_attempt(std::uint64_t micros, TimePoint now) {
  Attempt& attempt = routing_->attempt;
  if (!attempt.is_open) return;
  balancer().note_end(attempt.generation, attempt.server, micros, now);
  attempt.is_open = false;
}

/// What the server says, on its way to the client. True when it goes no further.
bool Session::hold_answer(Bytes bytes) {
  Attempt& attempt = routing_->attempt;
  if (attempt.has_failed) return true;
  if (attempt.is_passing) return false;
  const bool is_complete = unsettled_;
  const bool is_short = attempt.held.size() + bytes.size() <= Attempt::kMostHeld;
  if (!is_complete && is_short) {
    attempt.held.insert(attempt.held.end(), bytes.begin(), bytes.end());
    return true;
  }
  if (attempt.is_on_replica() && !attempt.is_as_chosen(pool_->directory().board().here())) {
    attempt.has_failed = true;  // it may come from a server that shows less than the client has seen
    return true;
  }
  attempt.is_passing = true;
  if (!attempt.held.empty()) port_.send(attempt.held);
  return false;
}

/// Whether an error is not for the client: a replica's own, or the last words of a server that is lost. What
/// has been answered to the end stays so, whatever is said behind it.
void Session::note_refusal(std::string_view body) {
  Attempt& attempt = routing_->attempt;
  const bool is_answered = unsettled_;
  if (!attempt.is_open || attempt.is_passing || is_answered || is_meant(wire::error_field(body, 'C'))) return;
  if (attempt.is_replicas || wire::ends_connection(body)) attempt.has_failed = true;
}

/// The batch must not be asked again: whatever comes of it is the client's.
void Session::settle_for_primary() {
  Attempt& attempt = routing_->attempt;
  if (attempt.is_open && !attempt.is_passing && !attempt.held.empty()) port_.send(attempt.held);
  close_attempt();
}

/// What is held the client has not got.
bool Session::is_inside_answer() const {
  const bool is_held = routing_ != nullptr && routing_->attempt.is_open && !routing_->attempt.is_passing;
  return backend_ != nullptr && !is_held && backend_->tracker().is_inside_message();
}

/// Whether the batch at hand can be asked of another server.
bool Session::can_ask_elsewhere() const {
  return routing_ != nullptr && routing_->attempt.is_open && !routing_->attempt.is_passing && !terminated_;
}

/// The primary is gone, or does not answer: a read need not wait until it is back.
void Session::leave_lost_primary() {
  if (!can_ask_elsewhere() || is_on_replica()) return;
  if (!pool_->directory().board().here().is_primary(route::State::down)) return;
  give_up_waiting();
  if (backend_ != nullptr) pool_->discard(*std::exchange(backend_, nullptr));
  ask_elsewhere();
}

/// What the replica says is not for the client.
void Session::leave_replica() {
  backend::Backend& used = *std::exchange(backend_, nullptr);
  used.pool().give_back(used);
  routing_->failures = kMostFailures;  // no other replica is asked: the error may be the statement's own
  ask_elsewhere();
}

/// The batch is asked again, as if it had come now. There is no backend any more.
void Session::ask_elsewhere() {
  Attempt& attempt = routing_->attempt;
  const std::size_t handled = attempt.batch.size() - attempt.left;
  routing_->avoided = attempt.server;
  if (!attempt.is_replicas) routing_->primary_lost_at = Clock::now();
  ++routing_->failures;
  backend::PoolCounters::add(pool_->counters().reads_asked_again, 1);
  close_attempt();
  if (names_ != nullptr) names_->settle_all();
  if (reads_ != nullptr) reads_->abandon();
  if (calls_ != nullptr) calls_->forget();
  look_.reset();
  asking_ = false;
  effects_ = lifetime_effects_ = {};
  forget_shadows();
  transaction_since_ = {};
  in_batch_ = barrier_ = awaits_outcome_ = awaits_answers_ = error_seen_ = failed_ = unsettled_ = preparing_ =
      write_pending_ = lexing_in_doubt_ = cancel_sent_ = false;
  if (handled > 0) port_.unread(Bytes(attempt.batch).first(handled));
  unblock();
}

}  // namespace forebay::engine
