// Answers from memory: the first thing that is tried with what a client asks for outside a transaction.

#include "engine/burst.hpp"
#include "engine/read_request.hpp"
#include "engine/session.hpp"
#include "engine/session_reads.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

/// Answers up to this size are put together to one write; longer ones are sent as they are.
constexpr std::size_t kGathered = 32 * 1024;

/// What one burst of a client is answered from memory. One per thread, sent before the burst's handling ends.
std::vector<std::byte>& answers() {
  thread_local std::vector<std::byte> bytes;
  return bytes;
}

}  // namespace

/// Nothing of the client's is on its way, and nothing in its session could make the result another one than
/// the key says.
bool Session::may_ask_cache(char type) const {
  using namespace wire::frontend;
  if (type != kQuery && type != kBind && type != kParse) return false;
  if (in_batch_ || waiting_ || barrier_ || asking_ || preparing_ || reads_->is_filling() ||
      !effects_.empty() || touched_settings_ != nullptr || !to_server().empty()) {
    return false;
  }
  return backend_ == nullptr || (backend_->is_settled() && backend_->tracker().transaction_status() == 'I');
}

/// Answers the batch at the front of the input if it can; `incomplete`: it goes to the server.
Session::Step Session::ask_cache(const std::byte* at, std::size_t size, std::size_t& used) {
  const auto request = ReadRequest::read(as_text({at, size}), names_.get());
  if (!request) return Step::incomplete;
  reads_->follow_pool();
  if (!held_because_.empty()) return look_for_release(*request) ? Step::blocked : Step::incomplete;
  const cache::EntryPtr entry = reads_->ask(*request, settings_);
  if (entry == nullptr) return Step::incomplete;
  note_unnamed(*request);
  ran_anything_ = true;
  auto& counters = pool_->counters();
  backend::PoolCounters::add(counters.queries, 1);
  backend::PoolCounters::add(counters.transactions, 1);
  answer_from_memory(entry->answer());
  used = request->size;
  // It had been asked for when there was no answer yet.
  if (backend_ != nullptr) keep_or_give_back();
  return Step::used;
}

/// A client that keeps its backend is not answered from memory. Where it could be, a look at its session is
/// worth its price: what held it may be gone.
bool Session::look_for_release(const ReadRequest& request) {
  if (!may_probe() || !reads_->is_worth_a_look(request)) return false;
  probe();
  return true;
}

/// What the request did to the unnamed statement: a Parse replaces it, a Query drops it.
void Session::note_unnamed(const ReadRequest& request) {
  const PreparedStatementPtr* known = find_statement("");
  if (request.simple) {
    if (known != nullptr) names().settle("", nullptr);
    return;
  }
  const bool same =
      known != nullptr && (*known)->text == request.text && (*known)->parameter_types == request.types;
  if (!request.parses || same) return;
  names().settle("", private_statement(request.text, as_bytes(request.types), judge(request.text).effects));
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

void Session::tell_cache(const sql::Verdict& verdict, sql::Effects effects) {
  if (reads_ == nullptr) return;
  reads_->follow_pool();
  reads_->note_statement(verdict, effects);
}

void Session::tell_cache_of_unknown() {
  if (reads_ != nullptr) reads_->note_unknown_statement();
}

}  // namespace forebay::engine
