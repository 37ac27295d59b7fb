#include "pgfront/client.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <fmt/format.h>

#include "config/values.hpp"
#include "pgfront/connection_log.hpp"
#include "pgfront/console.hpp"
#include "pgfront/handshake.hpp"
#include "pgfront/worker.hpp"
#include "wire/writer.hpp"

namespace forebay::pgfront {

namespace {

/// How long a client that was told to go may take to read that, and to close.
constexpr Duration kFarewell{5'000};

std::atomic<std::uint64_t> next_id = 1;

}  // namespace

Client::Client(Worker& worker, net::Fd fd, bool is_local, bool is_unix)
    : worker_(worker),
      id_(next_id.fetch_add(1, std::memory_order_relaxed)),
      channel_(net::Stream(fd.release())),
      handshake_(std::make_unique<Handshake>(*this)),
      connected_at_(worker.loop().now()),
      last_input_at_(connected_at_),
      is_local_(is_local),
      is_unix_(is_unix) {}

bool Client::start() {
  return channel_.attach(worker_.loop(), *this);
}

Client::~Client() {
  session_.reset();
  worker_.unregister_client(key_);
  // Its place is free by the time it sees the end.
  if (counted_) worker_.front().leave();
  channel_.close();
}

wire::CancelKey Client::identify(std::uint32_t process_id) {
  key_ = worker_.register_client(*this, process_id);
  return key_;
}

void Client::start_session(engine::Session::Identity identity, backend::Backend* home) {
  log_ = ConnectionLog::open(*this, identity.pool->user(), identity.pool->database());
  session_ = std::make_unique<engine::Session>(*this, std::move(identity), home);
  worker_.loop().defer(
      [handshake = std::shared_ptr<Handshake>(std::move(handshake_))]() mutable { handshake.reset(); });
  resume_input();
}

void Client::start_console(ConsoleIdentity identity) {
  log_ = ConnectionLog::open(*this, identity.user, identity.database);
  console_ = std::make_unique<Console>(*this, std::move(identity));
  worker_.loop().defer(
      [handshake = std::shared_ptr<Handshake>(std::move(handshake_))]() mutable { handshake.reset(); });
  resume_input();
}

void Client::start_tls() {
  const auto context = worker_.front().tls();
  channel_.leave_batch();
  if (auto started = channel_.stream().start_tls_server(*context); !started) {
    const wire::ErrorMessage error{
        wire::Severity::fatal, std::string(wire::sqlstate::kConnectionFailure), started.error().text, {}, {}};
    return finish(&error);
  }
  in_tls_handshake_ = true;
}

void Client::continue_tls() {
  switch (channel_.stream().handshake()) {
    case net::IoStatus::ok:
      in_tls_handshake_ = false;
      channel_.want_writable(false);
      if (channel_.stream().has_buffered()) read_input();
      return;
    case net::IoStatus::would_block_read:
      return channel_.want_writable(false);
    case net::IoStatus::would_block_write:
      return channel_.want_writable(true);
    default:
      log_failed_tls(*this, channel_.stream().error_text());
      return end_now();
  }
}

// --- events
// ------------------------------------------------------------------------------------------------------

void Client::on_io(std::uint32_t events) {
  if (removed_) return;
  if (in_tls_handshake_) return continue_tls();
  if ((events & EPOLLOUT) != 0 || channel_.has_pending()) flush();
  if (removed_) return;
  if (ending_) return linger();
  const bool over = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (over && !channel_.is_reading()) return end_now();
  if (channel_.has_input(events) || over) read_input();
}

void Client::flush() {
  switch (channel_.flush()) {
    case net::Channel::Outcome::done:
      if (ending_) return linger();
      if (session_ != nullptr) session_->on_client_drained();
      if (!is_blocked()) resume_input();
      return;
    case net::Channel::Outcome::pending:
      return;
    case net::Channel::Outcome::failed:
      return end_now();
  }
}

/// Reads behind what is left of the last read, as far as there is room.
void Client::read_input() {
  std::byte* bytes = worker_.loop().scratch();
  std::size_t kept = 0;
  if (leftover_ != nullptr && leftover_->size() >= net::Loop::kScratchSize) return handle_leftover();
  if (leftover_ != nullptr) {
    kept = leftover_->size();
    std::memcpy(bytes, leftover_->data(), kept);
  }
  const auto result = channel_.stream().read(bytes + kept, net::Loop::kScratchSize - kept);
  if (result.bytes == 0) {
    if (result.status == net::IoStatus::closed || result.status == net::IoStatus::error) end_now();
    return;
  }
  last_input_at_ = worker_.loop().now();
  handle_input(bytes, kept + result.bytes);
}

/// As much of it as there is room for: with what was put back it may be more.
void Client::handle_leftover() {
  const auto whole = std::move(leftover_);
  const std::size_t size = std::min(whole->size(), net::Loop::kScratchSize);
  std::memcpy(worker_.loop().scratch(), whole->data(), size);
  handle_input(worker_.loop().scratch(), size);
  if (size == whole->size() || ending_) return;
  if (leftover_ == nullptr) leftover_ = std::make_unique<std::vector<std::byte>>();
  leftover_->insert(leftover_->end(), whole->begin() + static_cast<std::ptrdiff_t>(size), whole->end());
  if (!is_blocked()) resume_input();
}

void Client::handle_input(std::byte* bytes, std::size_t size) {
  std::size_t used = 0;
  while (used < size && !ending_ && !is_blocked()) {
    const std::size_t step = consume(bytes + used, size - used);
    if (step == 0) break;
    used += step;
  }
  if (ending_) {
    leftover_.reset();
    return;
  }
  if (used == size) {
    leftover_.reset();
  } else {
    auto rest = std::make_unique<std::vector<std::byte>>(bytes + used, bytes + size);
    leftover_ = std::move(rest);
  }
  if (is_blocked()) {
    channel_.pause_reading();
  } else {
    channel_.resume_reading();
    if (channel_.stream().has_buffered() || (leftover_ == nullptr && input_wanted_)) resume_input();
  }
}

std::size_t Client::consume(const std::byte* bytes, std::size_t size) {
  if (handshake_ != nullptr) return handshake_->on_input(bytes, size);
  if (console_ != nullptr) return console_->on_input(bytes, size);
  return session_->on_input(bytes, size);
}

const backend::Pool* Client::awaited_pool() const {
  if (handshake_ != nullptr) return handshake_->awaited_pool();
  return session_ == nullptr ? nullptr : session_->awaited_pool();
}

/// Who does not take what he has been answered is not read from: he could make us remember without end. But
/// of a replication stream nothing is remembered, and its server waits for signs of life while its client
/// reads nothing.
bool Client::is_blocked() const {
  if (handshake_ != nullptr) return handshake_->is_waiting();
  if (console_ != nullptr) return console_->is_waiting() || channel_.has_pending();
  if (session_ == nullptr) return false;
  return session_->is_blocked() || (channel_.has_pending() && !session_->is_replication());
}

void Client::resume_input() {
  input_wanted_ = true;
  worker_.give_turn(*this);
}

void Client::on_turn() {
  if (removed_) return;
  if (ending_) {
    session_.reset();
    handshake_.reset();
    console_.reset();
    if (abrupt_ || !channel_.stream().open()) return worker_.remove(*this);
    if (!channel_.has_pending()) channel_.shutdown();
    return;
  }
  if (!input_wanted_) return;
  input_wanted_ = false;
  // What OpenSSL holds nobody tells of again, and it may be the rest of what is left over.
  if (!is_blocked() && channel_.stream().has_buffered()) return read_input();
  if (leftover_ != nullptr) {
    handle_leftover();
  } else if (!is_blocked()) {
    channel_.resume_reading();
  }
}

void Client::unread(Bytes bytes) {
  if (leftover_ == nullptr) leftover_ = std::make_unique<std::vector<std::byte>>();
  leftover_->insert(leftover_->begin(), bytes.begin(), bytes.end());
}

// --- output
// ------------------------------------------------------------------------------------------------------

bool Client::send(Bytes bytes) {
  if (ending_) return true;
  switch (channel_.write(bytes)) {
    case net::Channel::Outcome::done:
      return true;
    case net::Channel::Outcome::pending:
      return false;
    case net::Channel::Outcome::failed:
      end_now();
      return true;
  }
  return true;
}

void Client::finish(const wire::ErrorMessage* error) {
  if (ending_) return;
  if (error != nullptr && (session_ == nullptr || !session_->is_inside_answer())) {
    wire::Writer writer;
    wire::write_error(writer, *error);
    send(writer.bytes());
  } else {
    abrupt_ = !channel_.has_pending();
  }
  ending_ = true;
  last_input_at_ = worker_.loop().now();
  worker_.give_turn(*this);
}

void Client::finish_with_server_error(std::string_view body) {
  wire::Writer writer;
  writer.begin('E').text(body).end();
  send(writer.bytes());
  ending_ = true;
  last_input_at_ = worker_.loop().now();
  worker_.give_turn(*this);
}

/// Reads and drops what the peer still sends, so that closing does not reset the connection before the peer
/// has read its error.
void Client::linger() {
  if (!channel_.has_pending()) channel_.shutdown();
  channel_.resume_reading();
  const auto result = channel_.stream().read(worker_.loop().scratch(), net::Loop::kScratchSize);
  if (result.status == net::IoStatus::closed || result.status == net::IoStatus::error) end_now();
}

void Client::end_now() {
  abrupt_ = true;
  ending_ = true;
  channel_.close();
  worker_.give_turn(*this);
}

void Client::end_late_login(Duration limit) {
  const std::string reason =
      fmt::format("the login took longer than timeouts.client_login ({})", config::to_text(limit));
  if (handshake_ != nullptr && !in_tls_handshake_) return handshake_->give_up(reason);
  log_failed_tls(*this, reason);
  end_now();
}

void Client::sweep(TimePoint now, const config::Settings& settings) {
  const auto quiet = std::chrono::duration_cast<Duration>(now - last_input_at_);
  if (ending_) {
    if (quiet >= kFarewell) end_now();
    return;
  }
  if (handshake_ != nullptr || in_tls_handshake_) {
    const Duration login = settings.timeouts.client_login;
    if (login.count() > 0 && now - connected_at_ >= login) end_late_login(login);
    return;
  }
  if (session_ == nullptr) return;
  const bool was_overdue = session_->is_overdue();
  session_->sweep(now);
  if (session_->is_overdue() && !was_overdue) log_overdue_statement(*this, session_->pool());
  const Duration idle = settings.timeouts.client_idle;
  if (idle.count() > 0 && quiet >= idle && !session_->is_in_transaction() && !session_->is_waiting()) {
    const wire::ErrorMessage error{wire::Severity::fatal,
                                   std::string(wire::sqlstate::kIdleSessionTimeout),
                                   "terminating connection due to idle-session timeout",
                                   {},
                                   {}};
    finish(&error);
  }
}

}  // namespace forebay::pgfront
