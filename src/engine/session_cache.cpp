// Answers from memory: the first thing that is tried with what a client asks for outside a transaction.

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "engine/burst.hpp"
#include "engine/effect_sets.hpp"
#include "engine/explanation.hpp"
#include "engine/read_request.hpp"
#include "engine/session.hpp"
#include "engine/session_calls.hpp"
#include "engine/session_reads.hpp"
#include "engine/session_routing.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

/// Answers up to this size are put together to one write; longer ones are sent as they are.
constexpr std::size_t kGathered = 32 * 1024;

/// Outside a transaction.
constexpr std::array<std::byte, 6> kReady{
    std::byte{wire::server::kReadyForQuery}, {}, {}, {}, std::byte{5}, std::byte{'I'}};

/// What one burst of a client is answered from memory. One per thread, sent before the burst's handling ends.
std::vector<std::byte>& answers() {
  thread_local std::vector<std::byte> bytes;
  return bytes;
}

/// Whether a schema change may make what turns a write into one of something else.
bool names_code(std::string_view text) {
  const std::string words = lower_case(text);
  return text.empty() || words.find("view") != words.npos || words.find("trigger") != words.npos ||
         words.find("rule") != words.npos;
}

}  // namespace

/// With the first message: most clients of a pool are connected for long before they ask anything, and again
/// after.
void Session::begin_reads() {
  reads_ = std::make_unique<SessionReads>(std::move(cache_), *pool_, pool_generation_, defaults_generation(),
                                          profile_, refills_, [this] { on_landing(); });
}

/// Nothing of the client's is on its way, and nothing in its session could make the result another one than
/// the key says.
bool Session::may_ask_cache(char type) const {
  using namespace wire::frontend;
  if (type != kQuery && type != kBind && type != kParse) return false;
  if (routing_ != nullptr && routing_->attempt.is_open) return false;
  if (in_batch_ || waiting_ || barrier_ || asking_ || preparing_ || reads_->is_filling() ||
      reads_->is_asked_for() || reads_->is_refused() || !effects_.empty() || touched_settings_ != nullptr ||
      !to_server().empty()) {
    return false;
  }
  // What a client still has of the server that its pool was on before is none of the cache's.
  return backend_ == nullptr || (backend_->is_settled() && backend_->tracker().transaction_status() == 'I' &&
                                 backend_->generation() == pool_->generation());
}

/// Answers the batch at the front of the input if it can; `incomplete`: it goes to the server.
Session::Step Session::ask_cache(const std::byte* at, std::size_t size, std::size_t& used) {
  thread_local ReadBatch batch;
  thread_local std::vector<cache::EntryPtr> found;
  if (!refills_ && !reads_->may_answer()) {
    reads_->abandon();
    return Step::incomplete;
  }
  if (!batch.read(as_text({at, size}), names_.get())) return Step::incomplete;
  if (!reads_->are_as_prepared(batch.requests, settings_)) return Step::incomplete;
  reads_->follow_pool(defaults_generation());
  if (!held_because_.empty()) return look_for_release(batch.requests) ? Step::blocked : Step::incomplete;
  // Who holds a backend must not wait for one that may need it.
  const bool may_follow = !has_followed_ && backend_ == nullptr;
  const bool has_followed = has_followed_;
  has_followed_ = false;
  const SessionReads::Answer answer = reads_->ask(batch.requests, settings_, found, may_follow);
  if (answer != SessionReads::Answer::hit) {
    found.clear();
    if (reads_->is_in_vain()) {
      port_.finish(nullptr);
      return Step::failed;
    }
    if (answer == SessionReads::Answer::later) return wait_for_leader();
    if (has_followed) has_waited_since(state_since_);
    return Step::incomplete;
  }
  note_unnamed(batch.requests);
  ran_anything_ = true;
  cancel_at_start_ = false;  // of this, and too late
  auto& counters = pool_->counters();
  backend::PoolCounters::add(counters.queries, 1);
  backend::PoolCounters::add(counters.cached_queries, 1);
  backend::PoolCounters::add(counters.transactions, 1);
  if (calls_ != nullptr) {
    if (!has_followed) calls_->note_hits(found.size());  // else it was the server that was waited for
    count_hits(found, batch.requests);
  }
  for (const cache::EntryPtr& entry : found) {
    if (routing_ != nullptr) routing_->reader.note_primary(entry->filled());
    answer_from_memory(entry->answer());
  }
  answer_from_memory(kReady);
  found.clear();
  used = batch.size;
  // It had been asked for when there was no answer yet.
  if (backend_ != nullptr) keep_or_give_back();
  return Step::used;
}

/// Somebody else has asked for the same.
Session::Step Session::wait_for_leader() {
  state_since_ = net::Loop::current()->now();
  return Step::blocked;
}

/// The batch at the front of the input is asked for again, and does not wait again.
void Session::on_landing() {
  has_followed_ = true;
  if (blocked_) unblock();
}

/// A client that keeps its backend is not answered from memory. Where it could be, a look at its session is
/// worth its price: what held it may be gone.
bool Session::look_for_release(const std::vector<ReadRequest>& batch) {
  if (!may_probe() || !reads_->is_worth_a_look(batch)) return false;
  probe();
  return true;
}

/// What the batch did to the unnamed statement: a Parse replaces it, a Query drops it.
void Session::note_unnamed(const std::vector<ReadRequest>& batch) {
  const PreparedStatementPtr* known = find_statement("");
  if (batch.front().simple) {
    if (known != nullptr) names().settle("", nullptr);
    return;
  }
  const auto last = std::ranges::find(batch.rbegin(), batch.rend(), true, &ReadRequest::parses);
  if (last == batch.rend()) return;
  const bool same =
      known != nullptr && (*known)->text == last->text && (*known)->parameter_types == last->types;
  if (same) return;
  names().settle("", make_private(last->text, as_bytes(last->types)));
}

/// Answers EXPLAIN (FOREBAY) of one statement, when nothing is under way. Otherwise the server refuses it.
bool Session::explain(const ReadRequest& request) {
  const auto text = explained_statement(request.text);
  if (!text || in_batch_ || asking_ || preparing_) return false;
  char status = 'I';
  if (backend_ != nullptr) {
    status = backend_->tracker().transaction_status();
    if (!backend_->is_settled() || !to_server().empty() || status == 'E') return false;
  }
  const sql::Verdict& verdict = judge(*text);
  if (verdict.statements > 1) return false;
  std::vector<std::string> lines = {
      "Kept: no; this session has no cache (cache.enabled, or the upstream names no user)"};
  if (reads_ != nullptr) {
    reads_->follow_pool(defaults_generation());
    lines = reads_->explain({.simple = true, .text = *text, .types = {}, .values = {}}, settings_,
                            verdict.effects | reach_of(verdict));
  }
  if (status == 'T') lines.emplace_back("Now: the server answers, for a transaction is open");
  if (!held_because_.empty()) lines.push_back("Now: the server answers, for " + std::string(held_because_));
  note_unnamed({request});
  wire::Writer writer;
  write_explanation(writer, lines);
  writer.begin(wire::server::kReadyForQuery).u8(static_cast<std::uint8_t>(status)).end();
  answer_from_memory(writer.bytes());
  return true;
}

void Session::answer_from_memory(Bytes answer) {
  std::vector<std::byte>& gathered = answers();
  if (gathered.size() + answer.size() > kGathered) flush_answers();
  if (answer.size() <= kGathered) {
    gathered.insert(gathered.end(), answer.begin(), answer.end());
    return;
  }
  backend::PoolCounters::add(pool_->counters().bytes_sent, answer.size());
  if (!port_.send(answer)) client_full_ = blocked_ = true;
}

void Session::flush_answers() {
  std::vector<std::byte>& gathered = answers();
  if (gathered.empty()) return;
  backend::PoolCounters::add(pool_->counters().bytes_sent, gathered.size());
  if (!port_.send(gathered)) client_full_ = blocked_ = true;
  gathered.clear();
}

void Session::tell_cache(const sql::Verdict& verdict, sql::Effects effects, const ReadRequest& request) {
  if (reads_ == nullptr) return;
  reads_->follow_pool(defaults_generation());
  const sql::Effects so_far = effects_ | effects;
  const sql::Effects all = lifetime_effects_ | so_far;
  if (all.has(sql::Effect::makes_temporary) && effects.has(sql::Effect::changes_schema) &&
      names_code(request.text)) {
    shadows_ = Shadows::some;
  }
  const bool by_code = so_far.any_of(kMayShadow);
  const bool in_doubt = shadows_ == Shadows::unknown && !by_code;
  const bool writes = effects.has(sql::Effect::writes);
  if (writes && (by_code || shadows_ != Shadows::none)) reads_->note_shadowed_write();
  // Code that writes by itself ends all entries in any case: it is not asked for before it makes a
  // difference.
  if (writes && in_doubt) asks_for_shadows_ = true;
  reads_->note_statement(verdict, effects, request);
}

void Session::tell_cache_of_unknown() {
  if (reads_ != nullptr) reads_->note_unknown_statement();
}

}  // namespace forebay::engine
