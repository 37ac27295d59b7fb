// The path of a query, top to bottom: bytes from the client, one message after another, a verdict for each
// statement, a backend for the transaction, bytes to the server; then the answers back, and the backend to
// its pool.

#include "engine/session.hpp"

#include <atomic>

#include "backend/pool_directory.hpp"
#include "engine/burst.hpp"
#include "engine/cleaner.hpp"
#include "engine/code_watch.hpp"
#include "engine/effect_sets.hpp"
#include "engine/session_calls.hpp"
#include "engine/session_reads.hpp"
#include "engine/session_routing.hpp"
#include "net/loop.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

std::atomic<std::uint64_t> next_client_id = 1;

/// Sessions of one application have one name, so they share one object.
backend::SessionSettingsPtr initial_settings(const std::string& application_name) {
  thread_local std::string known_name;
  thread_local backend::SessionSettingsPtr known;
  if (application_name.empty()) return nullptr;
  if (known == nullptr || known_name != application_name) {
    known_name = application_name;
    known = backend::with_setting(nullptr, "application_name", &application_name);
  }
  return known;
}

}  // namespace

Session::Session(ClientPort& port, Identity identity, backend::Backend* home)
    : Borrower(!identity.refills),
      port_(port),
      pool_(std::move(identity.pool)),
      permits_(std::move(identity.permits)),
      profile_(std::move(identity.profile)),
      id_(static_cast<backend::ClientId>(next_client_id.fetch_add(1, std::memory_order_relaxed))),
      refills_(identity.refills),
      statements_(!is_replication() ? identity.statements : nullptr),
      pool_generation_(identity.pool_generation),
      cache_(!is_replication() ? std::move(identity.cache) : nullptr),
      code_(CodeWatch::of(*pool_)),
      initial_settings_(initial_settings(identity.application_name)),
      settings_(identity.settings != nullptr ? std::move(identity.settings) : initial_settings_) {
  if (!refills_) pool_->counters().clients.fetch_add(1, std::memory_order_relaxed);
  set_defaults_generation(home != nullptr ? home->defaults_generation() : pool_->defaults_generation());
  if (home != nullptr) pool_->move_in(*this, *home);
}

Session::~Session() {
  if (!refills_) pool_->counters().clients.fetch_sub(1, std::memory_order_relaxed);
  pool_->move_out(*this);
  end_lease();
  if (routing_ != nullptr) close_attempt();
}

// --- from the client
// ---------------------------------------------------------------------------------------------

std::size_t Session::on_input(const std::byte* bytes, std::size_t size) {
  to_server().clear();
  std::size_t at = 0;
  while (at < size && !blocked_) {
    if (body_left_ > 0) {
      const std::size_t part = std::min(body_left_, size - at);
      if (!drop_body_) to_server().pass(bytes + at, part);
      body_left_ -= part;
      at += part;
      continue;
    }
    std::size_t used = 0;
    const Step step = take_message(bytes + at, size - at, used);
    if (step == Step::failed) return size;
    if (step == Step::incomplete) break;
    if (step == Step::blocked) {
      blocked_ = true;
      break;
    }
    at += used;
    if (reads_ != nullptr) reads_->note_taken();
    if (routing_ != nullptr) routing_->attempt.note_handled(used);
  }
  send_burst();
  look_for_end();
  settle_late();
  if (!refills_) backend::PoolCounters::add(pool_->counters().bytes_received, at);
  return at;
}

/// Gets a backend for the message at hand, unless there is one.
Session::Step Session::need_backend() {
  if (barrier_ && !in_batch_) return Step::blocked;
  if (backend_ == nullptr && !waiting_) {
    begin_waiting();
    lender().checkout(*this);
  }
  const bool ready = backend_ != nullptr && !preparing_ && !asking_;
  const bool looking =
      ready && !is_on_replica() && code_->is_due(net::Loop::current()->now()) && look_at_catalog();
  if (ready && !looking) return Step::used;
  if (calls_ != nullptr) calls_->note_waiting(net::Loop::current()->now());
  return Step::blocked;
}

void Session::on_checkout(backend::Backend& backend) {
  const TimePoint now = net::Loop::current()->now();
  if (is_on_replica() && (!backend.standard_conforming_strings() || backend.encoding_embeds_ascii())) {
    // The texts were judged as they are read otherwise.
    backend.pool().give_back(backend);
    close_attempt();
    return pool_->checkout(*this);
  }
  const Duration test_after = pool_->rules().test_after;
  const bool stale = test_after.count() > 0 && now - backend.changed_at() >= test_after;
  end_waiting();
  backend_ = &backend;
  backend.lend(*this);
  if (is_on_replica()) {
    // As a rule the backend is there at once, a moment after it was chosen.
    if (routing_->attempt.started < now) routing_->attempt.started = Clock::now();
    routing_->attempt.is_cold = backend.is_fresh();
  } else {
    pool_->move_in(*this, backend);
  }
  wants_fresh_ = false;
  backend.note_user(id_);
  if (stale || !backend::same_settings(backend.settings(), settings_)) prepare_backend();
  if (!preparing_ && blocked_) unblock();
}

/// Gives the backend the session's settings; the question is a test of the connection as well.
void Session::prepare_backend() {
  preparing_ = true;
  std::string change = backend::settings_change(backend_->settings(), settings_);
  if (change.empty()) change = ";";
  backend_->ask(change, [this](const backend::QuestionError* error, const backend::Rows&) {
    if (error != nullptr && is_on_replica()) return leave_replica();
    if (error != nullptr) {
      return fail(error->sqlstate,
                  "the session's settings could not be carried to another backend: " + error->message,
                  "Connect anew, or use session pooling for this application.");
    }
    preparing_ = false;
    backend_->set_settings(settings_);
    if (blocked_) unblock();
  });
}

void Session::begin_waiting() {
  waiting_ = true;
  state_since_ = net::Loop::current()->now();
}

/// Whatever came of it: who gave up has waited as well.
void Session::end_waiting() {
  if (!waiting_) return;
  waiting_ = false;
  if (calls_ != nullptr) calls_->note_waited(micros_between(state_since_, net::Loop::current()->now()));
}

void Session::give_up_waiting() {
  if (waiting_) lender().cancel_checkout(*this);
  end_waiting();
}

void Session::on_checkout_failed(const backend::Login::Refusal& refusal) {
  end_waiting();
  if (can_ask_elsewhere()) return ask_elsewhere();
  if (calls_ != nullptr) calls_->note_refused();
  if (refusal.server_error.empty()) {
    port_.finish(&refusal.ours);
  } else {
    port_.finish_with_server_error(refusal.server_error);
  }
}

void Session::send_burst() {
  flush_answers();
  if (backend_ == nullptr) return;
  if (!to_server().empty()) {
    if (!backend_->write(to_server().finish())) {
      write_pending_ = true;
      blocked_ = true;
    }
    to_server().clear();
  }
  backend_->deliver_made_up_answers();
  if (cancel_at_start_ && !asking_ && backend_->tracker().outstanding() > 0) {
    cancel_at_start_ = false;
    cancel();
  }
}

void Session::on_drained() {
  write_pending_ = false;
  settle_late();
  if (blocked_) unblock();
}

void Session::unblock() {
  blocked_ = false;
  port_.resume_input();
}

// --- to the client
// -----------------------------------------------------------------------------------------------

bool Session::on_output(Bytes bytes) {
  if (!refills_) backend::PoolCounters::add(pool_->counters().bytes_sent, bytes.size());
  if (reads_ != nullptr) reads_->take_answer(bytes, *backend_);
  if (routing_ != nullptr && routing_->attempt.is_open && hold_answer(bytes)) return true;
  if (calls_ != nullptr) calls_->end_burst(net::Loop::current()->now());
  const bool sent = port_.send(bytes);
  if (!sent && reads_ != nullptr) reads_->let_followers_go();
  look_at_answers();
  if (last_words_ != nullptr && !is_inside_answer()) port_.finish(last_words_.get());
  look_for_end();
  return sent;
}

void Session::on_client_drained() {
  if (client_full_) {
    client_full_ = false;
    if (blocked_) unblock();
  }
  if (backend_ != nullptr) backend_->resume_reading();
}

/// Not one to Forebay itself, which is kept, nor one of which another server is asked again.
bool Session::is_answer_for_client() const {
  const bool is_asked_again =
      routing_ != nullptr && routing_->attempt.is_open && routing_->attempt.has_failed;
  return !refills_ && !is_asked_again;
}

void Session::on_ready() {
  failed_ = error_seen_;
  error_seen_ = false;
  unsettled_ = true;
  if (routing_ != nullptr && !effects_.empty()) pool_->directory().board().note_write(Clock::now());
  const TimePoint now = net::Loop::current()->now();
  const bool is_for_client = is_answer_for_client();
  auto& counters = pool_->counters();
  if (is_for_client) {
    backend::PoolCounters::add(counters.queries, 1);
    backend::PoolCounters::add(counters.query_micros, micros_between(state_since_, now));
  }
  const bool goes_on = in_batch_ || backend_->tracker().outstanding() > 0;
  state_since_ = now;
  if (goes_on) cancel_sent_ = false;
  if (backend_->tracker().transaction_status() == 'I') {
    const std::uint64_t micros = micros_between(transaction_since_, now);
    if (is_for_client) {
      backend::PoolCounters::add(counters.transactions, 1);
      backend::PoolCounters::add(counters.transaction_micros, micros);
      if (calls_ != nullptr) calls_->note_transaction(micros);
    }
    transaction_since_ = goes_on ? now : TimePoint();
  }
}

void Session::on_settled() {
  if (routing_ != nullptr) {
    if (routing_->attempt.is_open && routing_->attempt.has_failed) return leave_replica();
    note_answered();
  }
  if (names_ != nullptr) names_->forget_former();
  if (reads_ != nullptr) reads_->end_answers();
  if (calls_ != nullptr) calls_->end_answers(backend_->tracker().transaction_status() == 'I');
  if (!in_batch_) lexing_in_doubt_ = takes_sequences_ = false;
  look_at_answers();
  if (!preparing_ && !asking_) settle();
}

/// The last answer came while a message was half sent: a COPY that had failed, whose data went on coming.
void Session::settle_late() {
  if (unsettled_ && backend_ != nullptr && !preparing_ && !asking_) settle();
}

void Session::on_lost(const backend::Loss& loss) {
  backend_ = nullptr;
  if (reads_ != nullptr) reads_->abandon();
  if (calls_ != nullptr) calls_->forget();
  static_cast<backend::Holder&>(*this).unlink();
  if (can_ask_elsewhere()) return ask_elsewhere();
  if (routing_ != nullptr && !effects_.empty()) pool_->directory().board().note_write(Clock::now());
  const bool is_looking = look_ != nullptr && !probes_after_look_ && held_because_.empty() &&
                          pool_->rules().mode != config::PoolMode::session;
  if (preparing_ || is_looking) {
    // Nothing of the client's had been sent: another backend does as well.
    look_.reset();
    preparing_ = asking_ = false;
    begin_waiting();
    return pool_->checkout(*this);
  }
  if (loss.is_unanswered && calls_ != nullptr) calls_->note_refused();
  if (loss.is_told) return port_.finish(nullptr);
  if (!is_outcome_unknown(loss)) return port_.finish(&loss.error);
  const wire::ErrorMessage unknown{
      wire::Severity::fatal, std::string(wire::sqlstate::kOutcomeUnknown),
      "the connection to the server was lost before it had answered; whether the "
      "transaction was committed is not known",
      loss.error.message, "Look for what it wrote before you repeat it."};
  port_.finish(&unknown);
}

/// Whether what was sent may have been committed: a COMMIT, or a write outside a transaction.
bool Session::is_outcome_unknown(const backend::Loss& loss) const {
  if (!loss.is_unanswered) return false;
  if (effects_.has(Effect::ends_transaction)) return true;
  const bool is_alone = loss.transaction_status == 'I' && !effects_.has(Effect::begins_transaction);
  return is_alone && effects_.any_of(kDoubtful | Effect::writes);
}

void Session::fail(std::string_view sqlstate, std::string message, std::string hint) {
  send_burst();
  const wire::ErrorMessage error{
      wire::Severity::fatal, std::string(sqlstate), std::move(message), {}, std::move(hint)};
  blocked_ = true;
  if (is_inside_answer()) {
    // Said when the message that the client is reading has come to its end.
    last_words_ = std::make_unique<wire::ErrorMessage>(error);
  } else {
    port_.finish(&error);
  }
}

// --- the end
// -----------------------------------------------------------------------------------------------------

/// What the client has not waited for took time all the same: who leaves too slow a server would make it seem
/// quick.
void Session::note_abandoned() {
  const bool is_stream = is_replication();  // which goes on until its client leaves
  if (preparing_ || asking_ || refills_ || is_stream || backend_->tracker().outstanding() == 0) return;
  const TimePoint now = net::Loop::current()->now();
  auto& counters = pool_->counters();
  backend::PoolCounters::add(counters.queries, 1);
  backend::PoolCounters::add(counters.query_micros, micros_between(state_since_, now));
  if (calls_ != nullptr) calls_->note_abandoned(now);
}

void Session::end_lease() {
  give_up_waiting();
  static_cast<backend::Holder&>(*this).unlink();
  if (backend_ == nullptr) return;
  note_abandoned();
  backend::Backend& backend = *backend_;
  backend_ = nullptr;
  lifetime_effects_ |= effects_;
  if (has_unread_custom_setting()) lifetime_effects_ |= Effect::hides_state;
  const bool incomplete = in_batch_ || body_left_ > 0 || backend.tracker().is_copy_in() ||
                          backend.tracker().may_want_sync() || is_replication();
  // What it sent in a transaction is rolled back anyway when it did not say good-bye.
  const bool in_vain = !terminated_ && !backend.is_settled() && backend.tracker().transaction_status() != 'I';
  if (incomplete || in_vain) {
    if (backend.tracker().outstanding() > 0) {
      backend.request_cancel();
    }
    return backend.pool().discard(backend);
  }
  clean_and_give_back(backend.pool(), backend, lifetime_effects_,
                      preparing_ || asking_ || !held_because_.empty() || touched_settings_ != nullptr, id_,
                      terminated_ ? Departure::terminated : Departure::vanished);
}

void Session::cancel(std::shared_ptr<void> waiting) {
  if (is_waiting()) return refuse_waiting();
  // A question of ours is not what the client wants to be cancelled, but what waits behind it may be.
  if (preparing_ || (asking_ && blocked_)) {
    cancel_at_start_ = true;
    return;
  }
  if (asking_) return;
  if (backend_ == nullptr || backend_->tracker().outstanding() == 0) return;
  backend_->request_cancel(std::move(waiting));
}

/// Cancelled while it waited for a backend, or for somebody else's answer: the statement never runs.
void Session::refuse_waiting() {
  give_up_waiting();
  if (routing_ != nullptr) close_attempt();
  if (is_following()) reads_->stop_following();
  wants_fresh_ = false;
  refusing_ = true;
  if (reads_ != nullptr) reads_->abandon();
  if (calls_ != nullptr) calls_->forget();
  wire::Writer writer;
  wire::write_error(writer, {wire::Severity::error,
                             std::string(wire::sqlstate::kQueryCanceled),
                             "canceling statement due to user request",
                             {},
                             {}});
  port_.send(writer.bytes());
  if (blocked_) unblock();
}

void Session::sweep(TimePoint now) {
  leave_lost_primary();
  if (reads_ != nullptr) reads_->sweep();
  if (calls_ != nullptr) calls_->repetitions().sweep(now);
  // As long as for a backend: then it asks the server itself.
  const Duration patience_for_others = pool_->rules().wait;
  if (is_following() && patience_for_others.count() > 0 && now - state_since_ >= patience_for_others) {
    reads_->stop_following();
    return on_landing();
  }
  const Duration limit = pool_->rules().command;
  if (limit.count() == 0 || backend_ == nullptr || backend_->tracker().outstanding() == 0) return;
  if (now - state_since_ < limit) return;
  if (cancel_sent_ || asking_) {
    // A server that does not even answer a cancel, or a question of ours, is not there any more.
    const Duration patience = pool_->rules().connect;
    if (patience.count() > 0 && now - state_since_ >= limit + patience) backend_->give_up(limit + patience);
    return;
  }
  cancel_sent_ = true;
  cancel();
}

const std::string& Session::application_name() const {
  static const std::string none;
  const std::string* name = backend::find_setting(settings_, "application_name");
  return name == nullptr ? none : *name;
}

bool Session::is_in_transaction() const {
  return backend_ != nullptr && (!backend_->is_settled() || backend_->tracker().transaction_status() != 'I');
}

bool Session::is_idle_in_transaction() const {
  return backend_ != nullptr && backend_->tracker().is_idle() &&
         backend_->tracker().transaction_status() != 'I';
}

bool Session::is_waiting() const {
  return waiting_ || is_following();
}

bool Session::is_following() const {
  return reads_ != nullptr && reads_->is_following();
}

std::string_view Session::held_because() const {
  return held_because_;
}

}  // namespace forebay::engine
