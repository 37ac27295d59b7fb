// What the statements of a session come to: which calls are on their way to the server, and what is told of
// them when they are answered.

#include "cache/entry.hpp"
#include "engine/message_parts.hpp"
#include "engine/read_request.hpp"
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

/// What else it may do, it is no read that could be one of many.
bool is_plain_read(sql::Effects effects) {
  return effects.only(sql::Effect::calls_unknown);
}

}  // namespace

/// With the first message; and again when a reload has changed whether statements are counted.
void Session::begin_calls() {
  if (statements_->is_enabled() == (calls_ != nullptr)) return;
  calls_.reset();
  if (!statements_->is_enabled()) return;
  calls_ = std::make_unique<SessionCalls>(*statements_, pool_->database(), [this] { return asker(); });
}

/// Nobody, where others would be asked under other settings, or see other objects.
Asker Session::asker() const {
  constexpr sql::Effects kOwnOnly = sql::Effect::sets_setting | sql::Effect::sets_locally |
                                    sql::Effect::resets_all | sql::Effect::makes_temporary |
                                    sql::Effect::sets_authorization;
  if (touched_settings_ != nullptr || effects_.any_of(kOwnOnly)) return {};
  return {net::Loop::current(), pool_, pool_->generation(), profile_, settings_};
}

/// Of a text that has just been judged; empty when it could not be read.
std::uint32_t Session::count_query(std::string_view text, const sql::Verdict& verdict) {
  if (calls_ == nullptr) return 0;
  auto& table = calls_->table();
  const StatementKey key{text.empty() ? StatementTable::kUnknown : judged_fingerprint(), calls_->database()};
  const auto found = table.find(key, text, verdict.statements, now());
  const ReadRequest request{.simple = true, .text = text, .types = {}, .values = {}};
  const bool is_one = !text.empty() && verdict.statements == 1;
  if (is_one && is_plain_read(verdict.effects)) calls_->repetitions().note_read(found, request, now());
  return calls_->begin_call({found, is_one ? sample_values(request, table.samples()) : nullptr}, now());
}

std::uint32_t Session::count_preparation(const PreparedStatement& statement) {
  return calls_ == nullptr ? 0 : calls_->begin_preparation(find(*calls_, statement), now());
}

/// `statement` is null when we do not know it; `values` are empty when they are not all here.
std::uint32_t Session::count_bind(std::string_view portal, const PreparedStatement* statement,
                                  std::string_view values) {
  if (calls_ == nullptr) return 0;
  const StatementTable::Ref found =
      statement != nullptr
          ? find(*calls_, *statement)
          : calls_->table().find({StatementTable::kUnknown, calls_->database()}, {}, 1, now());
  if (statement == nullptr || values.empty()) {
    calls_->bind(portal, found);
    return calls_->begin_preparation(found, now());
  }
  const ReadRequest request{
      .statement = statement, .text = statement->text, .types = statement->parameter_types, .values = values};
  calls_->bind(portal, {found, sample_values(request, calls_->table().samples())});
  if (is_plain_read(statement->effects)) calls_->repetitions().note_read(found, request, now());
  return calls_->begin_preparation(found, now());
}

std::uint32_t Session::count_execute(Bytes message) {
  if (calls_ == nullptr) return 0;
  std::string_view body = body_of(message.data(), message.size());
  std::string_view portal;
  if (!body.starts_with('\0') && !take_cstring(body, portal)) return 0;
  return calls_->begin_call(calls_->bound(portal, now()), now());
}

/// Those of one statement in a row at once: a pipeline is mostly one statement with other values.
void Session::count_hits(const std::vector<cache::EntryPtr>& entries,
                         const std::vector<ReadRequest>& requests) {
  const TimePoint at = now();
  for (std::size_t first = 0; first < entries.size();) {
    const cache::Entry& entry = *entries[first];
    const PreparedStatement* const prepared = requests[first].statement;
    StatementTable::Hits hits;
    std::size_t end = first;
    // Texts of one statement may be those of different traces; a prepared one is the same.
    bool is_one_text = true;
    for (; end < entries.size(); ++end) {
      const bool is_same = end == first || (prepared != nullptr && requests[end].statement == prepared);
      if (!is_same && entries[end]->fingerprint() != entry.fingerprint()) break;
      is_one_text &= is_same;
      hits.add(entries[end]->rows(), entries[end]->fill_micros());
    }
    const auto found =
        calls_->table().find({entry.fingerprint(), calls_->database()}, entry.statement(), 1, at);
    calls_->table().note_hits(found, hits, at);
    auto& repetitions = calls_->repetitions();
    const auto times = static_cast<std::uint32_t>(end - first);
    if (is_one_text && repetitions.note_again(found, requests[first], times, at)) {
      repetitions.note_done(found, hits.most_rows, 0);
      first = end;
    }
    for (; first < end; ++first) {
      repetitions.note_read(found, requests[first], at);
      if (repetitions.is_watching()) repetitions.note_answer(found, entries[first]->answer());
      repetitions.note_done(found, entries[first]->rows(), 0);
    }
  }
}

/// Whether results of what is sent now are looked at, for where later values come from.
bool Session::shows_rows() const {
  return calls_ != nullptr && calls_->repetitions().is_watching();
}

void Session::on_result(const wire::Expectation& expectation, char type, std::string_view body) {
  if (!shows_rows()) return;
  if (type == wire::server::kDataRow) {
    calls_->note_row(expectation.call, body, now());
  } else {
    calls_->repetitions().note_columns(body);
  }
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
