#include "pgfront/console.hpp"

#include <fmt/format.h>
#include <poll.h>

#include "pgfront/client.hpp"
#include "pgfront/front.hpp"
#include "pgfront/worker.hpp"
#include "wire/protocol.hpp"

namespace forebay::pgfront {

namespace {

/// Longest message that is accepted. No command needs a thousandth of it, and it has to fit the loop's
/// scratch.
constexpr std::uint32_t kMaxMessageLength = 16 * 1024;

}  // namespace

Console::Console(Client& client, ConsoleIdentity identity)
    : client_(client),
      identity_(std::move(identity)),
      executor_(client.worker().front(), identity_, [this] { return peer_is_there(); }) {
  greet();
}

Console::~Console() = default;

void Console::greet() {
  const std::pair<std::string_view, std::string_view> parameters[] = {
      {"server_version", "15.0 (forebay " FOREBAY_VERSION ")"},
      {"client_encoding", "UTF8"},
      {"server_encoding", "UTF8"},
      {"DateStyle", "ISO, MDY"},
      {"IntervalStyle", "postgres"},
      {"TimeZone", "GMT"},
      {"integer_datetimes", "on"},
      {"standard_conforming_strings", "on"},
      {"is_superuser", identity_.may_administer ? "on" : "off"},
      {"session_authorization", identity_.user},
      {"application_name", identity_.application_name},
  };
  wire::Writer writer;
  writer.begin(wire::server::kAuthentication).u32(wire::authentication::kOk).end();
  for (const auto& [name, value] : parameters) {
    writer.begin(wire::server::kParameterStatus).cstring(name).cstring(value).end();
  }
  const wire::CancelKey key = client_.cancel_key();
  writer.begin(wire::server::kBackendKeyData).u32(key.process_id).u32(key.secret).end();
  ready(writer);
}

// --- messages
// ----------------------------------------------------------------------------------------------------

std::size_t Console::on_input(const std::byte* bytes, std::size_t size) {
  if (size < wire::kHeaderSize) return 0;
  const wire::Header header = wire::read_header(bytes);
  if (header.length < 4 || header.length > kMaxMessageLength) {
    close(wire::sqlstate::kProtocolViolation, fmt::format("invalid message length {}", header.length));
    return size;
  }
  if (header.total() > size) return 0;
  on_message(header.type, as_text({bytes + wire::kHeaderSize, header.body()}));
  return header.total();
}

void Console::on_message(char type, std::string_view body) {
  using namespace wire::frontend;
  const bool extended =
      type == kParse || type == kBind || type == kDescribe || type == kExecute || type == kClose;
  if (extended && skipping_) return;
  switch (type) {
    case kQuery:
      return on_query(body);
    case kParse:
      return on_parse(body);
    case kBind:
      return on_bind(body);
    case kDescribe:
      return on_describe(body);
    case kExecute:
      return on_execute(body);
    case kClose:
      return on_close(body);
    case kSync:
      return on_sync();
    case kTerminate:
      return client_.finish(nullptr);
    case kFunctionCall: {
      wire::Writer writer;
      wire::write_error(writer,
                        console_error(wire::sqlstate::kFeatureNotSupported, "the console has no functions"));
      return ready(writer);
    }
    case kFlush:  // Nothing is ever held back.
    case kCopyData:
    case kCopyDone:
    case kCopyFail:  // As PostgreSQL: what a client still sends when a COPY is over is ignored.
      return;
    default:
      close(wire::sqlstate::kProtocolViolation,
            fmt::format("invalid frontend message type {}", static_cast<int>(type)));
  }
}

// --- simple queries
// ----------------------------------------------------------------------------------------------

void Console::on_query(std::string_view body) {
  if (body.find('\0') != body.size() - 1 || body.empty()) {
    return close(wire::sqlstate::kProtocolViolation, "invalid string in message");
  }
  statements_.erase("");
  auto statements = parse_console(body.substr(0, body.size() - 1));
  wire::Writer writer;
  if (!statements) {
    wire::write_error(writer, console_error(wire::sqlstate::kSyntaxError, statements.error().text));
    return ready(writer);
  }
  if (statements->empty()) {
    writer.begin(wire::server::kEmptyQueryResponse).end();
    return ready(writer);
  }
  queries_.assign(std::make_move_iterator(statements->begin()), std::make_move_iterator(statements->end()));
  run_queries();
}

/// Runs commands until one has to wait, which goes on here when it is done.
void Console::run_queries() {
  while (!queries_.empty() && !client_.is_ending()) {
    const ConsoleStatement statement = std::move(queries_.front());
    queries_.pop_front();
    bool at_once = true;
    const auto here = std::make_shared<bool*>(&at_once);
    auto plan = std::make_shared<const ConsolePlan>(executor_.plan(statement));
    executor_.run(*plan, {}, [this, plan, here](ConsoleAnswer answer) {
      answer_query(*plan, std::move(answer));
      if (*here != nullptr) return;
      run_queries();
      client_.resume_input();
    });
    *here = nullptr;
    if (executor_.is_running()) return;
  }
}

void Console::answer_query(const ConsolePlan& plan, ConsoleAnswer answer) {
  wire::Writer writer;
  if (answer.error) {
    queries_.clear();
    wire::write_error(writer, *answer.error);
    return ready(writer);
  }
  if (answer.notice) wire::write_error(writer, *answer.notice);
  if (!plan.columns.empty()) write_row_description(writer, plan.columns, {});
  writer.text(answer.rows).begin(wire::server::kCommandComplete).cstring(answer.tag).end();
  transaction_status_ = answer.transaction_status.value_or(transaction_status_);
  if (queries_.empty()) return ready(writer);
  send(writer);
}

// --- output
// ------------------------------------------------------------------------------------------------------

void Console::on_sync() {
  skipping_ = false;
  if (transaction_status_ == 'I') portals_.clear();
  wire::Writer writer;
  ready(writer);
}

void Console::ready(wire::Writer& writer) {
  writer.begin(wire::server::kReadyForQuery).u8(static_cast<std::uint8_t>(transaction_status_)).end();
  send(writer);
}

void Console::send(const wire::Writer& writer) {
  client_.send(writer.bytes());
}

void Console::send_error(const wire::ErrorMessage& error) {
  wire::Writer writer;
  wire::write_error(writer, error);
  send(writer);
}

void Console::close(std::string_view sqlstate, std::string message) {
  const wire::ErrorMessage error{wire::Severity::fatal, std::string(sqlstate), std::move(message), {}, {}};
  client_.finish(&error);
}

/// While a command waits nothing is read, so nobody else would notice that the client has closed the
/// connection.
bool Console::peer_is_there() {
  pollfd peer{.fd = client_.stream().fd(), .events = POLLRDHUP, .revents = 0};
  if (::poll(&peer, 1, 0) == 0) return true;
  client_.end_now();
  return false;
}

}  // namespace forebay::pgfront
