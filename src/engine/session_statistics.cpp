// What the statements of a session come to: which calls are on their way to the server, and what is told of
// them when they are answered.

#include "cache/entry.hpp"
#include "engine/message_parts.hpp"
#include "engine/session.hpp"
#include "engine/session_calls.hpp"
#include "net/loop.hpp"

namespace forebay::engine {

namespace {

TimePoint now() {
  return net::Loop::current()->now();
}

StatementTable::Ref find(SessionCalls& calls, const PreparedStatement& statement) {
  return calls.table().find({statement.fingerprint, calls.database()}, statement.text, 1, now());
}

}  // namespace

/// With the first message; and again when a reload has changed whether statements are counted.
void Session::begin_calls() {
  if (statements_->is_enabled() == (calls_ != nullptr)) return;
  calls_ =
      statements_->is_enabled() ? std::make_unique<SessionCalls>(*statements_, pool_->database()) : nullptr;
}

/// Of a text that has just been judged to hold so many statements; 0 when it could not be read.
std::uint32_t Session::count_query(std::string_view text, int statements) {
  if (calls_ == nullptr) return 0;
  const StatementKey key{text.empty() ? StatementTable::kUnknown : judged_fingerprint(), calls_->database()};
  return calls_->begin_call(calls_->table().find(key, text, statements, now()), now());
}

std::uint32_t Session::count_preparation(const PreparedStatement& statement) {
  return calls_ == nullptr ? 0 : calls_->begin_preparation(find(*calls_, statement), now());
}

/// `statement` is null when we do not know it.
std::uint32_t Session::count_bind(std::string_view portal, const PreparedStatement* statement) {
  if (calls_ == nullptr) return 0;
  const StatementTable::Ref found =
      statement != nullptr
          ? find(*calls_, *statement)
          : calls_->table().find({StatementTable::kUnknown, calls_->database()}, {}, 1, now());
  calls_->bind(portal, found);
  return calls_->begin_preparation(found, now());
}

std::uint32_t Session::count_execute(Bytes message) {
  if (calls_ == nullptr) return 0;
  std::string_view body = body_of(message.data(), message.size());
  std::string_view portal;
  if (!take_cstring(body, portal)) return 0;
  return calls_->begin_call(calls_->bound(portal, now()), now());
}

void Session::count_hit(const cache::Entry& entry) {
  auto& table = calls_->table();
  const auto found = table.find({entry.fingerprint(), calls_->database()}, entry.statement(), 1, now());
  table.note_hit(table.part(found, 0, now()), entry.rows(), entry.fill_micros(), now());
}

void Session::on_command(const wire::Expectation& expectation, char type, std::string_view body,
                         std::uint64_t rows) {
  if (calls_ == nullptr || type == wire::server::kEmptyQueryResponse) return;
  const bool has_tag = type == wire::server::kCommandComplete;
  calls_->note_done(expectation.call, has_tag ? body : std::string_view(), rows, now());
}

void Session::note_failed_call(const wire::Expectation& cause, std::string_view body) {
  if (cause.call != 0) calls_->note_error(cause.call, wire::error_field(body, 'C'), now());
}

}  // namespace forebay::engine
