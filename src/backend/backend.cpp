#include "backend/backend.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "backend/cancel.hpp"
#include "backend/pool.hpp"
#include "backend/target.hpp"
#include "sql/verdict_cache.hpp"
#include "wire/protocol.hpp"

namespace forebay::backend {

namespace {

/// Bytes on their way to a client during one feed, and answers made up during one burst of a client. Both are
/// used up before another connection of the thread is served.
thread_local wire::Splice to_client;
thread_local wire::Splice made_up;

std::atomic<std::uint64_t> next_id = 1;

wire::ErrorMessage connection_lost(std::string message) {
  return {wire::Severity::fatal, std::string(wire::sqlstate::kConnectionFailure), std::move(message), {}, {}};
}

wire::ErrorMessage last_words(const QuestionError& error) {
  return {wire::Severity::fatal, error.sqlstate, error.message, {}, {}};
}

}  // namespace

/// What is needed only until the login is over.
struct Backend::Opening {
  std::vector<wire::Parameter> startup;
  Credentials credentials;
  std::optional<Login> login;
  std::size_t tried = 0;    ///< addresses of the target
  std::size_t address = 0;  ///< index of the one at hand
  std::string failures;
};

struct Backend::Question {
  Answer answer;
  Rows rows;
  std::optional<QuestionError> error;
  bool fatal = false;  ///< the error ends the connection
  TimePoint asked_at = net::Loop::current()->now();
  bool answered = false;
  bool cancel_sent = false;
};

Backend::Backend(Pool& pool, ProfilePtr profile)
    : id_(next_id.fetch_add(1, std::memory_order_relaxed)),
      pool_(pool),
      profile_(std::move(profile)),
      channel_(net::Stream()) {}

Backend::~Backend() = default;

std::string Backend::where() const {
  return pool_.describe();
}

// --- opening
// ---------------------------------------------------------------------------------------------------

void Backend::open(std::vector<wire::Parameter> startup, Credentials credentials) {
  opening_ = std::make_unique<Opening>();
  opening_->startup = std::move(startup);
  opening_->credentials = std::move(credentials);
  generation_ = pool_.generation();
  defaults_generation_ = pool_.defaults_generation();
  // Behind the generation: one that leads to where the pool was before must not look as if it did not.
  target_ = pool_.target();
  // The caller is in the middle of deciding; it hears of a failure when it is done.
  if (!connect_next()) {
    net::Loop::current()->defer([this] {
      if (state_ != State::closed) fail_opening(opening_->failures);
    });
  }
}

/// Tries the host's addresses in turn, each for as long as connecting may take, as libpq does.
bool Backend::connect_next() {
  const auto& addresses = target_->addresses();
  changed_at_ = net::Loop::current()->now();
  while (opening_->tried < addresses.size()) {
    opening_->address = (target_->reached() + opening_->tried++) % addresses.size();
    auto fd = net::start_connect(addresses[opening_->address]);
    if (!fd) {
      note_failure(fd.error().text);
      continue;
    }
    channel_.stream() = net::Stream(fd->release());
    channel_.want_writable(true);
    if (channel_.attach(*net::Loop::current(), *this)) return true;
    note_failure(errno_text(errno));
    channel_.close();
  }
  return false;
}

void Backend::note_failure(std::string_view what) {
  const auto& addresses = target_->addresses();
  if (!opening_->failures.empty()) opening_->failures += "; ";
  if (addresses.size() > 1) opening_->failures += addresses[opening_->address].host() + ": ";
  opening_->failures += what;
}

/// This address does not answer.
void Backend::try_another(std::string_view why) {
  note_failure(why);
  channel_.close();
  if (!connect_next()) fail_opening(opening_->failures);
}

void Backend::on_connected() {
  if (const int error = net::connect_error(channel_.stream().fd()); error != 0) {
    return try_another(errno_text(error));
  }
  target_->set_reached(opening_->address);
  channel_.want_writable(false);
  if (target_->wants_tls()) return ask_for_tls();
  start_login();
}

void Backend::ask_for_tls() {
  state_ = State::asking_for_tls;
  wire::Writer writer;
  wire::write_ssl_request(writer);
  if (channel_.write(writer.bytes()) == net::Channel::Outcome::failed) fail_opening("connection lost");
}

void Backend::on_tls_answer() {
  // One byte and not more: what follows it unencrypted must not be taken for the server's (CVE-2021-23222).
  std::byte answer{};
  const auto result = channel_.stream().read(&answer, 1);
  if (result.bytes == 0) {
    if (result.status != net::IoStatus::would_block_read) fail_opening("the server closed the connection");
    return;
  }
  if (answer == std::byte{'S'}) {
    if (auto started = channel_.stream().start_tls_client(target_->tls(), target_->upstream().host);
        !started) {
      return refuse_server(started.error().text);
    }
    state_ = State::handshaking;
    return continue_handshake();
  }
  if (target_->requires_tls()) {
    return refuse_server("the server does not support TLS, but sslmode demands it");
  }
  start_login();
}

void Backend::continue_handshake() {
  switch (channel_.stream().handshake()) {
    case net::IoStatus::ok:
      channel_.want_writable(false);
      return start_login();
    case net::IoStatus::would_block_read:
      return channel_.want_writable(false);
    case net::IoStatus::would_block_write:
      return channel_.want_writable(true);
    default:
      return refuse_server("TLS handshake failed: " + channel_.stream().error_text());
  }
}

void Backend::start_login() {
  state_ = State::logging_in;
  auto& stream = channel_.stream();
  opening_->login.emplace(std::move(opening_->startup), std::move(opening_->credentials), stream.has_tls(),
                          stream.channel_binding());
  wire::Writer writer;
  opening_->login->start(writer);
  if (channel_.write(writer.bytes()) == net::Channel::Outcome::failed) return fail_opening("connection lost");
  if (stream.has_buffered()) read_login();
}

void Backend::read_login() {
  std::byte* bytes = nullptr;
  std::size_t size = 0;
  if (!read_more(bytes, size)) {
    if (state_ != State::closed && !channel_.is_attached()) return;
    return fail_opening("the server closed the connection during login");
  }
  wire::Writer reply;
  Login& login = *opening_->login;
  std::size_t at = 0;
  while (!login.is_finished() && size - at >= wire::kHeaderSize) {
    const wire::Header header = wire::read_header(bytes + at);
    if (header.length < 4 || header.total() > wire::ReplyTracker::kMaxWholeMessage) {
      return fail_opening("the server sent something that is not PostgreSQL's protocol");
    }
    if (header.total() > size - at) break;
    const std::string_view body = as_text({bytes + at + wire::kHeaderSize, header.body()});
    if (!login.on_message(header.type, body, reply)) return fail_opening(login.refusal());
    at += header.total();
  }
  keep_rest(bytes + at, size - at);
  if (!reply.empty() && channel_.write(reply.bytes()) == net::Channel::Outcome::failed) {
    return fail_opening("connection lost during login");
  }
  if (login.is_finished()) finish_login();
}

void Backend::finish_login() {
  auto& outcome = opening_->login->outcome();
  cancel_key_ = outcome.cancel_key;
  greeting_ = std::move(outcome.parameters);
  for (const auto& [name, value] : greeting_) note_parameter(name, value);
  tracker_.set_transaction_status(outcome.transaction_status);
  opening_.reset();
  opened_at_ = changed_at_ = net::Loop::current()->now();
  state_ = State::idle;
  pool_.on_opened(*this);
}

void Backend::fail_opening(std::string_view what) {
  fail_opening(wire::sqlstate::kConnectionFailure, what);
}

/// The server is there, and it is we who will not have it: trying again does not help.
void Backend::refuse_server(std::string_view why) {
  fail_opening(wire::sqlstate::kCannotConnect, why);
}

void Backend::fail_opening(std::string_view sqlstate, std::string_view what) {
  Login::Refusal refusal;
  refusal.ours = {wire::Severity::fatal,
                  std::string(sqlstate),
                  fmt::format("could not connect to server {}: {}", target_->name(), what),
                  {},
                  {}};
  fail_opening(std::move(refusal));
}

void Backend::fail_opening(Login::Refusal refusal) {
  channel_.close();
  state_ = State::closed;
  pool_.on_open_failed(*this, refusal);
}

void Backend::expire_opening() {
  constexpr std::string_view kReason = "no answer in time";
  state_ == State::connecting ? try_another(kReason) : fail_opening(kReason);
}

// --- lending
// ---------------------------------------------------------------------------------------------------

void Backend::lend(Lessee& lessee) {
  state_ = State::lent;
  answered_ = false;
  changed_at_ = net::Loop::current()->now();
  lessee_ = &lessee;
}

void Backend::take_back() {
  state_ = State::idle;
  changed_at_ = net::Loop::current()->now();
  lessee_ = nullptr;
  channel_.resume_reading();
  tracker_.shrink();
}

void Backend::request_cancel(std::shared_ptr<void> waiting) {
  if (cancel_guard_ == nullptr) cancel_guard_ = std::make_shared<CancelGuard>();
  // To where this connection leads and as it was made, whatever the pool's target is by now.
  send_cancel(target_, net::peer_address(channel_.stream().fd()), cancel_key_, cancel_guard_,
              pool_.rules().connect, std::move(waiting));
}

void Backend::close() {
  channel_.close();
  state_ = State::closed;
  lessee_ = nullptr;
}

void Backend::expect(const wire::Expectation& expectation) {
  tracker_.expect(expectation, made_up, *this);
}

void Backend::deliver_made_up_answers() {
  if (made_up.empty()) return;
  lessee_->on_output(made_up.finish());
  made_up.clear();
}

bool Backend::write(Bytes bytes) {
  switch (channel_.write(bytes)) {
    case net::Channel::Outcome::done:
      return true;
    case net::Channel::Outcome::pending:
      return false;
    case net::Channel::Outcome::failed:
      // The reading side finds out too, and may first have an answer to deliver.
      return true;
  }
  return true;
}

void Backend::ask(std::string_view sql, Answer answer) {
  question_ = std::make_unique<Question>();
  question_->answer = std::move(answer);
  wire::Writer writer;
  writer.query(sql);
  expect({.request = wire::Request::query, .silent = true});
  unnamed_statement_ = 0;  // a Query drops it, ours like the client's
  write(writer.bytes());
}

void Backend::redirect_answer(Answer answer) {
  question_->answer = std::move(answer);
}

Duration Backend::unanswered_for(TimePoint now) const {
  return question_ == nullptr ? Duration(0) : std::chrono::duration_cast<Duration>(now - question_->asked_at);
}

void Backend::cancel_question() {
  if (question_ == nullptr || std::exchange(question_->cancel_sent, true)) return;
  request_cancel();
}

void Backend::give_up(Duration silence) {
  lose(connection_lost(
      fmt::format("the server has not answered within {} ms ({})", silence.count(), where())));
}

void Backend::sever(const std::string& why) {
  switch (state_) {
    case State::idle:
    case State::lent:
      return lose(connection_lost(why));
    case State::closed:
      return;
    default:
      return fail_opening(why);
  }
}

void Backend::resume_reading() {
  channel_.resume_reading();
  if (channel_.stream().has_buffered() || !partial_.empty()) read_later();
}

/// For what is here already: nothing more may come from the socket to wake us.
void Backend::read_later() {
  net::Loop::current()->post([this, known = pool_.weak_from_this(), opened = opened_at_] {
    const auto pool = known.lock();
    if (pool != nullptr && pool->owns(*this, opened) && channel_.is_reading()) read_replies();
  });
}

// --- traffic
// ---------------------------------------------------------------------------------------------------

void Backend::on_io(std::uint32_t events) {
  switch (state_) {
    case State::connecting:
      return on_connected();
    case State::asking_for_tls:
      return on_tls_answer();
    case State::handshaking:
      return continue_handshake();
    case State::logging_in:
      return read_login();
    case State::idle:
    case State::lent:
      break;
    case State::closed:
      return;
  }
  if ((events & EPOLLOUT) != 0 || channel_.has_pending()) {
    flush();
    if (state_ == State::closed) return;
  }
  // The end of a connection is told until it is read, wanted or not; before it comes a socket's buffer at
  // most.
  const bool over = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (channel_.has_input(events) || over) read_replies();
}

void Backend::flush() {
  if (channel_.flush() == net::Channel::Outcome::done && lessee_ != nullptr) lessee_->on_drained();
}

/// Reads behind what is left of the last read. False when the connection is over.
bool Backend::read_more(std::byte*& bytes, std::size_t& size) {
  bytes = net::Loop::current()->scratch();
  const std::size_t kept = partial_.size();
  if (kept != 0) std::memcpy(bytes, partial_.data(), kept);
  const auto result = channel_.stream().read(bytes + kept, net::Loop::kScratchSize - kept);
  size = kept + result.bytes;
  return result.bytes > 0 || result.status == net::IoStatus::would_block_read ||
         result.status == net::IoStatus::would_block_write;
}

void Backend::keep_rest(const std::byte* bytes, std::size_t size) {
  if (size == 0 && partial_.empty()) return;
  partial_.assign(bytes, bytes + size);
}

void Backend::read_replies() {
  std::byte* bytes = nullptr;
  std::size_t size = 0;
  if (!read_more(bytes, size)) {
    return lose(connection_lost(fmt::format("server closed the connection unexpectedly ({})", where())));
  }
  // OpenSSL may hold the rest of a record that did not fit. Now, not behind the answers: with the last of
  // them the backend may go to another thread, or away.
  if (channel_.stream().has_buffered()) read_later();
  to_client.clear();
  const auto fed = tracker_.feed(bytes, size, to_client, *this);
  if (!fed.valid) {
    return lose(connection_lost(fmt::format("the server broke the protocol ({})", where())));
  }
  keep_rest(bytes + fed.consumed, size - fed.consumed);
  if (lessee_ == nullptr) {
    if (fatal_told_) lose(connection_lost("terminated by the server"));
    return;
  }
  if (!to_client.empty() && !lessee_->on_output(to_client.finish())) {
    if (state_ == State::closed || lessee_ == nullptr) return;
    channel_.pause_reading();
  }
  if (question_ != nullptr && question_->answered) return finish_question();
  if (answered_ && lessee_ != nullptr && is_settled()) {
    answered_ = false;
    lessee_->on_settled();
  }
}

void Backend::finish_question() {
  const auto question = std::move(question_);
  question->answer(question->error ? &*question->error : nullptr, std::move(question->rows));
}

void Backend::lose(const wire::ErrorMessage& error) {
  Lessee* lessee = lessee_;
  const auto question = std::move(question_);
  // Inside a message nothing can be said.
  const bool told = fatal_told_ || tracker_.is_inside_message();
  const bool is_unanswered = tracker_.outstanding() > 0;
  const char status = tracker_.transaction_status();
  close();
  pool_.on_lost(*this);
  if (lessee == nullptr) return;
  // What the server said instead of an answer to us has not reached the client.
  const bool servers_words = question != nullptr && question->fatal;
  const wire::ErrorMessage words = servers_words ? last_words(*question->error) : error;
  lessee->on_lost({words, told, is_unanswered, status});
}

// --- what the tracker sees
// ---------------------------------------------------------------------------------------

void Backend::on_done(const wire::Expectation& expectation) {
  if (lessee_ != nullptr) lessee_->on_done(expectation);
}

void Backend::on_skipped(const wire::Expectation& expectation, bool failed) {
  if (lessee_ != nullptr) lessee_->on_skipped(expectation, failed);
}

void Backend::on_parameter_status(std::string_view name, std::string_view value) {
  note_parameter(name, value);
  if (lessee_ != nullptr) return;
  // Nobody is here, so it is the server's configuration that changed.
  for (auto& parameter : greeting_) {
    if (parameter.first == name) parameter.second = value;
  }
  pool_.remember_greeting(*this);
}

void Backend::note_parameter(std::string_view name, std::string_view value) {
  if (name == "standard_conforming_strings") standard_conforming_strings_ = value == "on";
  if (name == "client_encoding") encoding_embeds_ascii_ = sql::embeds_ascii(value);
}

std::optional<std::string_view> Backend::on_error(const wire::Expectation* cause, std::string_view body) {
  if (wire::ends_connection(body)) fatal_told_ = true;
  return lessee_ != nullptr ? lessee_->on_error(cause, body) : body;
}

void Backend::on_command(const wire::Expectation& expectation, char type, std::string_view body,
                         std::uint64_t rows) {
  if (lessee_ != nullptr) lessee_->on_command(expectation, type, body, rows);
}

void Backend::on_result(const wire::Expectation& expectation, char type, std::string_view body) {
  if (lessee_ != nullptr) lessee_->on_result(expectation, type, body);
}

void Backend::on_notification(std::byte* process_id) {
  if (lessee_ != nullptr) lessee_->on_notification(process_id);
}

void Backend::on_ready(bool silent) {
  if (silent) {
    if (question_ != nullptr) question_->answered = true;
    return;
  }
  answered_ = true;
  if (lessee_ != nullptr) lessee_->on_ready();
}

void Backend::on_silent_message(char type, std::string_view body) {
  if (question_ == nullptr) return;
  if (type == wire::server::kRowDescription) {
    question_->rows.clear();
  } else if (type == wire::server::kDataRow) {
    if (auto row = wire::parse_data_row(body)) {
      question_->rows.push_back(std::move(*row));
    } else if (!question_->error) {
      // What is left out of an answer must not be taken for what is not there.
      question_->error = QuestionError{std::string(wire::sqlstate::kProgramLimitExceeded),
                                       "a row of the answer is too long, or not understood"};
    }
  } else if (type == wire::server::kErrorResponse && !question_->error) {
    question_->fatal = wire::ends_connection(body);
    question_->error =
        QuestionError{std::string(wire::error_field(body, 'C')), std::string(wire::error_field(body, 'M'))};
  }
}

}  // namespace forebay::backend
