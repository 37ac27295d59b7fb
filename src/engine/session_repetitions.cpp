#include "engine/session_repetitions.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "engine/prepared_statement.hpp"
#include "engine/trace_comment.hpp"
#include "engine/value_hash.hpp"
#include "sql/read_shape.hpp"
#include "wire/protocol.hpp"

namespace forebay::engine {

namespace {

bool may_name_trace(const ReadRequest& request) {
  return request.statement != nullptr ? request.statement->may_have_outer_comment
                                      : may_have_outer_comment(request.text);
}

/// Equal for equal values. A simple query's are in its text.
ValueHash hash_of_values(const ReadRequest& request) {
  return hash_of(request.simple ? without_outer_comments(request.text) : request.values);
}

/// One hash for each value, in the order in which the text without values numbers them.
std::vector<ValueHash> hashes_of_values(const ReadRequest& request) {
  std::vector<ValueHash> hashes;
  if (request.simple) {
    for (const std::string_view literal : sql::literals_of(request.text)) {
      if (hashes.size() == RepetitionWatch::kMostParameters) break;
      hashes.push_back(literal_hash(literal));
    }
    return hashes;
  }
  const int count = std::min(bound_count(request), static_cast<int>(RepetitionWatch::kMostParameters));
  for (int parameter = 1; parameter <= count; ++parameter) {
    const auto value = bound_value(request, parameter);
    hashes.push_back(value ? value_hash(value->bytes, value->binary, value->type) : 0);
  }
  return hashes;
}

}  // namespace

SessionRepetitions::~SessionRepetitions() {
  if (window_ != nullptr) leave_window();
}

bool SessionRepetitions::is_over(TimePoint now) const {
  if (in_transaction_ || trace_ != 0) return false;
  return now - window_->last_at() > kPause || window_->executions() >= kLongestWindow;
}

void SessionRepetitions::choose_window(std::string_view text, TimePoint now) {
  const std::string_view id = trace_of(text);
  const std::uint64_t trace =
      id.empty() ? 0 : (std::hash<std::string_view>()(id) ^ (std::uint64_t{database_} << 32U)) | 1U;
  if (window_ != nullptr && (trace != trace_ || is_over(now))) leave_window();
  if (trace != 0) {
    window_ = table_.window_of_trace(trace, now);
  } else if (window_ == nullptr) {
    const auto place = in_transaction_ ? RepetitionPlace::transaction : RepetitionPlace::client;
    if (own_ == nullptr) own_ = std::make_shared<RepetitionWindow>(place);
    own_->set_place(place);
    window_ = own_;
  }
  trace_ = trace;
}

/// That of a trace goes on without this session.
void SessionRepetitions::leave_window() {
  if (trace_ == 0) table_.end(*window_, window_->last_at());
  trace_ = 0;
  window_.reset();
}

bool SessionRepetitions::note_again(StatementTable::Ref statement, const ReadRequest& request,
                                    std::uint32_t times, TimePoint now) {
  if (!table_.is_enabled() || window_ == nullptr || window_->watch != nullptr || trace_ != 0 || is_over(now))
    return false;
  return !may_name_trace(request) && window_->note_again(statement, times, now);
}

void SessionRepetitions::note_read(StatementTable::Ref statement, const ReadRequest& request, TimePoint now) {
  if (!table_.is_enabled()) return;
  if (note_again(statement, request, 1, now)) return;
  choose_window(request.text, now);
  RepetitionWindow& window = *window_;
  // What has begun has perhaps shown the values before.
  if (window.is_empty() && table_.is_looking(database_, now)) table_.begin_watch(window);
  RepetitionWindow::Tally& tally = window.note(
      statement, now, [&request] { return hash_of_values(request); },
      [&](StatementTable::Ref leaving, RepetitionWindow::Tally& its) {
        table_.note(window, leaving, its, now);
      });
  if (window.watch == nullptr && (!tally.is_suspect || tally.is_known)) return;
  const auto named = statements_.named(statement);
  if (!named) return;
  if (tally.is_suspect && !std::exchange(tally.is_known, true))
    table_.note_text(named->key, request.text, now);
  if (window.watch == nullptr) return;
  if (table_.is_looking(named->key))
    window.watch->note_execution(RepetitionWindow::key_of(statement), hashes_of_values(request));
  if (window.executions() >= kLongestWatch) {
    table_.note(window, now);
    table_.end_watch(window);
  }
}

void SessionRepetitions::note_failed(StatementTable::Ref statement) {
  if (window_ != nullptr) window_->note_failed(statement);
}

void SessionRepetitions::note_done(StatementTable::Ref statement, std::uint64_t rows, std::uint64_t micros) {
  if (window_ == nullptr) return;
  window_->note_done(statement, rows, micros);
  if (window_->watch != nullptr) window_->watch->note_done(RepetitionWindow::key_of(statement));
}

void SessionRepetitions::note_transaction(bool is_open) {
  if (std::exchange(in_transaction_, is_open) == is_open) return;
  if (window_ != nullptr && trace_ == 0) leave_window();
}

void SessionRepetitions::note_answer(StatementTable::Ref statement, Bytes answer) {
  while (answer.size() >= wire::kHeaderSize) {
    const wire::Header header = wire::read_header(answer.data());
    if (header.length < 4 || header.total() > answer.size()) return;
    const std::string_view body = as_text(answer.subspan(wire::kHeaderSize, header.body()));
    if (header.type == wire::server::kRowDescription) note_columns(body);
    if (header.type == wire::server::kDataRow) note_row(statement, body);
    answer = answer.subspan(header.total());
  }
}

void SessionRepetitions::sweep(TimePoint now) {
  table_.sweep(now);
  if (window_ != nullptr && trace_ == 0 && is_over(now)) leave_window();
  if (window_ != own_) own_.reset();
  if (window_ == nullptr) return;
  table_.note(*window_, window_->last_at());
  if (now - window_->last_at() >= kQuiet) table_.end_watch(*window_);
}

}  // namespace forebay::engine
