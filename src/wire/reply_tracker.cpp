#include "wire/reply_tracker.hpp"

#include <algorithm>
#include <utility>

#include "wire/protocol.hpp"

namespace forebay::wire {

namespace {

constexpr std::byte kParseCompleteMessage[] = {std::byte{'1'}, std::byte{0}, std::byte{0}, std::byte{0},
                                               std::byte{4}};
constexpr std::byte kCloseCompleteMessage[] = {std::byte{'3'}, std::byte{0}, std::byte{0}, std::byte{0},
                                               std::byte{4}};

std::string_view body_of(const std::byte* message, std::size_t size) {
  return as_text({message + kHeaderSize, size - kHeaderSize});
}

bool outcome_is_told(const Expectation& expectation) {
  return expectation.tag != 0 &&
         (expectation.request == Request::parse || expectation.request == Request::close ||
          expectation.request == Request::query || expectation.request == Request::execute);
}

bool comes_unasked(char type) {
  return type == server::kParameterStatus || type == server::kNotificationResponse ||
         type == server::kNoticeResponse;
}

bool spans_whole_cycle(Request request) {
  return request == Request::query || request == Request::function_call || request == Request::sync;
}

}  // namespace

bool ReplyTracker::is_seen_whole(char type) {
  switch (type) {
    case server::kDataRow:
    case server::kCopyData:
    case server::kRowDescription:
    case server::kParameterDescription:
    case server::kNoticeResponse:
    case server::kFunctionCallResponse:
      return false;
    default:
      return true;
  }
}

bool ReplyTracker::in_silent_query() const {
  return front_is(Request::query) && outstanding_.front().silent;
}

void ReplyTracker::expect(const Expectation& expectation, Splice& to_client, Observer& observer) {
  if (skipping_) {
    if (expectation.request == Request::sync) {
      skipping_ = false;
    } else {
      if (outcome_is_told(expectation)) observer.on_skipped(expectation, false);
      return;
    }
  }
  if (expectation.request == Request::copy_end) {
    copy_in_ = false;
    if (outstanding_.empty()) return;
  }
  // The server ignores Sync while it reads COPY data; but the COPY may have failed meanwhile.
  if (expectation.request == Request::sync && copy_in_) ++unsure_syncs_;
  outstanding_.push_back(expectation);
  // Inside a message that flows through, what is made up waits for its end.
  if (outstanding_.size() == 1 && body_left_ == 0) settle_front(to_client, observer);
}

void ReplyTracker::settle_front(Splice& to_client, Observer& observer) {
  while (!outstanding_.empty()) {
    const Expectation& front = outstanding_.front();
    if (front.answered_here) {
      if (outcome_is_told(front)) observer.on_done(front);
      to_client.insert(front.request == Request::parse ? kParseCompleteMessage : kCloseCompleteMessage);
    } else if (front.request != Request::copy_end) {
      return;
    }
    outstanding_.pop_front();
  }
}

/// What comes is the answer to something behind them, so these have been read as part of a COPY.
void ReplyTracker::drop_unsure_syncs(Splice& to_client, Observer& observer) {
  for (; unsure_syncs_ > 0 && front_is(Request::sync); --unsure_syncs_) {
    outstanding_.pop_front();
    settle_front(to_client, observer);
  }
}

ReplyTracker::Fed ReplyTracker::feed(std::byte* bytes, std::size_t size, Splice& to_client,
                                     Observer& observer) {
  std::size_t at = 0;
  while (at < size) {
    if (body_left_ > 0) {
      const std::size_t part = std::min(body_left_, size - at);
      if (flow_ == Flow::pass) to_client.pass(bytes + at, part);
      if (flow_ == Flow::gather) gathered_ += as_text({bytes + at, part});
      at += part;
      body_left_ -= part;
      if (flow_ == Flow::gather && body_left_ == 0)
        observer.on_silent_message(server::kDataRow, std::exchange(gathered_, {}));
      continue;
    }
    settle_front(to_client, observer);
    if (size - at < kHeaderSize) break;
    const Header header = read_header(bytes + at);
    if (header.length < 4 || header.length > kMaxMessageLength) return {at, false};
    if (!comes_unasked(header.type) && header.type != server::kReadyForQuery)
      drop_unsure_syncs(to_client, observer);
    const bool silent = in_silent_query();
    // Nothing here depends on how much has come: whether at once or in pieces, an answer is treated alike.
    if ((is_seen_whole(header.type) || silent) && header.total() <= kMaxWholeMessage) {
      if (header.total() > size - at) break;
      if (!handle(header.type, bytes + at, header.total(), to_client, observer)) return {at, false};
      at += header.total();
      continue;
    }
    const bool may_flow = !is_seen_whole(header.type) || header.type == server::kErrorResponse ||
                          header.type == server::kNotificationResponse;
    if (!may_flow) return {at, false};
    if (!silent && header.total() <= size - at)
      tell_result(header.type, {bytes + at, header.total()}, observer);
    // The message flows through: only its header matters.
    if (header.type == server::kRowDescription) {
      if (front_is(Request::describe_statement) || front_is(Request::describe_portal)) {
        if (!finish_describe(to_client, bytes + at, kHeaderSize, observer)) return {at, false};
      } else {
        to_client.pass(bytes + at, kHeaderSize);
      }
      flow_ = Flow::pass;
    } else if (header.type == server::kErrorResponse) {
      handle_error(bytes + at, kHeaderSize, to_client, observer);
      flow_ = silent ? Flow::drop : Flow::pass;
    } else if (silent && header.type == server::kDataRow) {
      flow_ = header.total() <= kMaxSilentRow ? Flow::gather : Flow::drop;
      if (flow_ == Flow::drop) observer.on_silent_message(server::kDataRow, {});
    } else {
      flow_ = silent ? Flow::drop : Flow::pass;
      if (!silent && header.type == server::kDataRow) ++rows_;
      if (!silent) to_client.pass(bytes + at, kHeaderSize);
    }
    body_left_ = header.body();
    at += kHeaderSize;
  }
  if (body_left_ == 0) settle_front(to_client, observer);
  return {at, true};
}

bool ReplyTracker::handle(char type, std::byte* message, std::size_t size, Splice& to_client,
                          Observer& observer) {
  const std::string_view body = body_of(message, size);
  switch (type) {
    case server::kParameterStatus: {
      const auto end = body.find('\0');
      if (end == std::string_view::npos) return false;
      const std::string_view value = body.substr(end + 1);
      observer.on_parameter_status(body.substr(0, end), value.substr(0, value.find('\0')));
      if (!in_silent_query()) to_client.pass(message, size);
      return true;
    }
    case server::kNotificationResponse:
      if (body.size() < 4) return false;
      observer.on_notification(message + kHeaderSize);
      to_client.pass(message, size);
      return true;
    case server::kErrorResponse:
      handle_error(message, size, to_client, observer);
      return true;
    case server::kReadyForQuery:
      return handle_ready(message, size, to_client, observer);
    default:
      break;
  }
  if (in_silent_query()) {
    observer.on_silent_message(type, body);
    return true;
  }
  switch (type) {
    case server::kParseComplete:
      return finish(Request::parse, to_client, message, size, observer);
    case server::kBindComplete:
      return finish(Request::bind, to_client, message, size, observer);
    case server::kCloseComplete:
      return finish(Request::close, to_client, message, size, observer);
    case server::kNoData:
      return finish_describe(to_client, message, size, observer);
    case server::kCommandComplete:
    case server::kEmptyQueryResponse:
    case server::kPortalSuspended:
      if (copying_) finish_copy();
      tell_command(type, body, observer);
      if (front_is(Request::execute)) return finish(Request::execute, to_client, message, size, observer);
      break;
    case server::kCopyInResponse:
      handle_copy_in();
      break;
    case server::kCopyOutResponse:
    case server::kCopyBothResponse:
    case server::kCopyDone:
      break;
    default:
      return false;
  }
  to_client.pass(message, size);
  return !outstanding_.empty();
}

void ReplyTracker::tell_result(char type, Bytes message, Observer& observer) const {
  if (outstanding_.empty() || !outstanding_.front().shows_rows) return;
  if (type == server::kDataRow || type == server::kRowDescription)
    observer.on_result(outstanding_.front(), type, body_of(message.data(), message.size()));
}

void ReplyTracker::tell_command(char type, std::string_view body, Observer& observer) {
  const std::uint64_t rows = std::exchange(rows_, 0);
  if (!outstanding_.empty() && outstanding_.front().call != 0)
    observer.on_command(outstanding_.front(), type, body, rows);
}

bool ReplyTracker::finish(Request request, Splice& to_client, const std::byte* message, std::size_t size,
                          Observer& observer) {
  if (!front_is(request)) return false;
  if (outcome_is_told(outstanding_.front())) observer.on_done(outstanding_.front());
  if (!outstanding_.front().silent) to_client.pass(message, size);
  outstanding_.pop_front();
  return true;
}

bool ReplyTracker::finish_describe(Splice& to_client, const std::byte* message, std::size_t size,
                                   Observer& observer) {
  const Request request =
      front_is(Request::describe_statement) ? Request::describe_statement : Request::describe_portal;
  return finish(request, to_client, message, size, observer);
}

void ReplyTracker::handle_copy_in() {
  copy_in_ = copying_ = true;
  if (!front_is(Request::execute) && !front_is(Request::query)) return;
  // Syncs that were sent before the end of the data are read as part of the COPY and ignored, unless it fails
  // before they are read.
  for (std::size_t i = 1; i < outstanding_.size() && copy_in_; ++i) {
    if (outstanding_[i].request == Request::copy_end) copy_in_ = false;
    if (outstanding_[i].request == Request::sync) ++unsure_syncs_;
  }
}

/// It has succeeded, so it has read everything up to the end of its data.
void ReplyTracker::finish_copy() {
  copying_ = copy_in_ = false;
  unsure_syncs_ = 0;
  std::size_t end = 1;
  while (end < outstanding_.size() && outstanding_[end].request != Request::copy_end) ++end;
  outstanding_.erase_if(1, std::min(end + 1, outstanding_.size()), [](const Expectation& each) {
    return each.request == Request::sync || each.request == Request::copy_end;
  });
}

void ReplyTracker::handle_error(std::byte* message, std::size_t size, Splice& to_client, Observer& observer) {
  const bool complete = size > kHeaderSize;
  const Expectation* cause = outstanding_.empty() ? nullptr : &outstanding_.front();
  const std::string_view body = complete ? body_of(message, size) : std::string_view();
  if (in_silent_query()) {
    observer.on_silent_message(server::kErrorResponse, body);
    return;
  }
  if (cause != nullptr && cause->silent && is_told_by_silent_sync()) return fail_until_sync(observer);
  const auto told = observer.on_error(cause, body);
  if (complete && told && told->data() != body.data()) {
    std::byte header[kHeaderSize] = {std::byte{'E'}};
    store_u32(header + 1, static_cast<std::uint32_t>(told->size() + 4));
    to_client.insert(header);
    to_client.insert(as_bytes(*told));
  } else if (!complete || told) {
    to_client.pass(message, size);
  }
  copy_in_ = copying_ = false;
  rows_ = 0;
  if (cause != nullptr && !spans_whole_cycle(cause->request)) fail_until_sync(observer);
}

/// Whether the failure of what is in front is nobody's business but the owner's: what the server ignores
/// after it ends with a Sync of the owner's, so nothing of the client's is among it.
bool ReplyTracker::is_told_by_silent_sync() const {
  for (std::size_t i = 0; i < outstanding_.size(); ++i) {
    if (outstanding_[i].request == Request::sync) return outstanding_[i].silent;
  }
  return false;
}

void ReplyTracker::fail_until_sync(Observer& observer) {
  ignoring_ = true;
  for (bool failed = true; !outstanding_.empty(); failed = false) {
    if (outstanding_.front().request == Request::sync) return;
    const Expectation skipped = outstanding_.front();
    outstanding_.pop_front();
    if (outcome_is_told(skipped)) observer.on_skipped(skipped, failed);
  }
  skipping_ = true;
}

std::uint32_t ReplyTracker::count(Request request) const {
  std::uint32_t found = 0;
  for (std::size_t i = 0; i < outstanding_.size(); ++i) {
    if (outstanding_[i].request == request) ++found;
  }
  return found;
}

bool ReplyTracker::may_be_over() const {
  if (unsure_syncs_ == 0 || ignoring_ || body_left_ > 0) return false;
  return outstanding_.size() == unsure_syncs_ + count(Request::copy_end);
}

bool ReplyTracker::may_want_sync() const {
  return skipping_ || (ignoring_ && unsure_syncs_ > 0 && count(Request::sync) <= unsure_syncs_);
}

bool ReplyTracker::handle_ready(std::byte* message, std::size_t size, Splice& to_client, Observer& observer) {
  if (size != kHeaderSize + 1) return false;
  if (outstanding_.empty() || !spans_whole_cycle(outstanding_.front().request)) return false;
  const bool silent = outstanding_.front().silent;
  if (outcome_is_told(outstanding_.front())) observer.on_done(outstanding_.front());
  transaction_status_ = static_cast<char>(message[kHeaderSize]);
  copy_in_ = copying_ = ignoring_ = false;
  outstanding_.pop_front();
  if (unsure_syncs_ > 0) unsure_syncs_ = std::min(unsure_syncs_, count(Request::sync));
  if (!silent) to_client.pass(message, size);
  observer.on_ready(silent);
  return true;
}

}  // namespace forebay::wire
