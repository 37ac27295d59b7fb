// The extended protocol, for commands without parameters.

#include <fmt/format.h>

#include "config/problem.hpp"
#include "pgfront/client.hpp"
#include "pgfront/console.hpp"
#include "wire/protocol.hpp"

namespace forebay::pgfront {

namespace {

/// Bounds what a client can make us keep.
constexpr std::size_t kMaxNames = 100;

/// Reads the fields of a message's body one after another. After a field that is not there, everything is
/// empty or zero and is_valid() is false.
class Fields {
 public:
  explicit Fields(std::string_view body) : rest_(body) {}

  std::string_view text() {
    const auto end = rest_.find('\0');
    if (end == std::string_view::npos) return invalid();
    const std::string_view value = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return value;
  }

  char letter() {
    const std::string_view byte = take(1);
    return byte.empty() ? '\0' : byte.front();
  }

  std::uint16_t u16() {
    const std::string_view bytes = take(2);
    return bytes.empty() ? std::uint16_t{0} : load_u16(as_bytes(bytes).data());
  }

  std::uint32_t u32() {
    const std::string_view bytes = take(4);
    return bytes.empty() ? 0 : load_u32(as_bytes(bytes).data());
  }

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) return invalid();
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::vector<std::uint16_t> codes() {
    std::vector<std::uint16_t> values(std::min<std::size_t>(u16(), rest_.size() / 2));
    for (auto& value : values) value = u16();
    return values;
  }

  bool is_valid() const { return valid_; }
  /// Valid, and nothing is left.
  bool is_complete() const { return valid_ && rest_.empty(); }

 private:
  std::string_view invalid() {
    valid_ = false;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool valid_ = true;
};

ConsolePlan empty_plan() {
  return {};
}

bool is_empty(const ConsolePlan& plan) {
  return plan.run == nullptr;
}

}  // namespace

void Console::fail_extended(std::string_view sqlstate, std::string message, std::string hint) {
  fail_extended(console_error(sqlstate, std::move(message), std::move(hint)));
}

void Console::fail_extended(const wire::ErrorMessage& error) {
  skipping_ = true;
  send_error(error);
}

void Console::on_parse(std::string_view body) {
  Fields fields(body);
  const std::string name(fields.text());
  const std::string_view text = fields.text();
  const std::uint16_t types = fields.u16();
  fields.take(std::size_t{4} * types);
  if (!fields.is_complete()) return close(wire::sqlstate::kProtocolViolation, "invalid message format");
  auto statements = parse_console(text);
  if (!statements) return fail_extended(wire::sqlstate::kSyntaxError, statements.error().text);
  if (statements->size() > 1) {
    return fail_extended(wire::sqlstate::kSyntaxError,
                         "cannot insert multiple commands into a prepared statement");
  }
  if (!name.empty() && statements_.contains(name)) {
    return fail_extended(wire::sqlstate::kDuplicateStatement,
                         fmt::format("prepared statement {} already exists", config::in_quotes(name)));
  }
  if (statements_.size() >= kMaxNames && !statements_.contains(name)) {
    return fail_extended(wire::sqlstate::kConfigurationLimit,
                         fmt::format("more than {} prepared statements in one console", kMaxNames));
  }
  ConsolePlan plan = statements->empty() ? empty_plan() : executor_.plan(statements->front());
  if (plan.error) return fail_extended(*plan.error);
  statements_.insert_or_assign(name, std::move(plan));
  wire::Writer writer;
  send(writer.begin(wire::server::kParseComplete).end());
}

void Console::on_bind(std::string_view body) {
  Fields fields(body);
  const std::string portal_name(fields.text());
  const std::string_view statement_name = fields.text();
  fields.codes();
  const std::uint16_t parameters = fields.u16();
  if (fields.is_valid() && parameters > 0) {
    return fail_extended(
        wire::sqlstate::kProtocolViolation,
        fmt::format("bind message supplies {} parameters, but commands of the console have none",
                    parameters));
  }
  ResultFormats formats(fields.codes());
  if (!fields.is_complete()) return close(wire::sqlstate::kProtocolViolation, "invalid message format");
  const auto statement = statements_.find(statement_name);
  if (statement == statements_.end()) {
    return fail_extended(
        wire::sqlstate::kInvalidStatementName,
        fmt::format("prepared statement {} does not exist", config::in_quotes(statement_name)));
  }
  if (!formats.fits(statement->second.columns.size())) {
    return fail_extended(wire::sqlstate::kProtocolViolation,
                         "bind message has another number of result formats than columns");
  }
  if (!portal_name.empty() && portals_.contains(portal_name)) {
    return fail_extended(console_sqlstate::kDuplicateCursor,
                         fmt::format("portal {} already exists", config::in_quotes(portal_name)));
  }
  if (portals_.size() >= kMaxNames && !portals_.contains(portal_name)) {
    return fail_extended(wire::sqlstate::kConfigurationLimit,
                         fmt::format("more than {} portals in one console", kMaxNames));
  }
  portals_.insert_or_assign(
      portal_name, Portal{.plan = statement->second, .formats = std::move(formats), .rows = {}, .tag = {}});
  wire::Writer writer;
  send(writer.begin(wire::server::kBindComplete).end());
}

void Console::on_describe(std::string_view body) {
  Fields fields(body);
  const char what = fields.letter();
  const std::string_view name = fields.text();
  if (!fields.is_complete() || (what != 'S' && what != 'P')) {
    return close(wire::sqlstate::kProtocolViolation, "invalid message format");
  }
  const auto statement = statements_.find(name);
  const auto portal = portals_.find(name);
  if (what == 'S' && statement == statements_.end()) {
    return fail_extended(wire::sqlstate::kInvalidStatementName,
                         fmt::format("prepared statement {} does not exist", config::in_quotes(name)));
  }
  if (what == 'P' && portal == portals_.end()) {
    return fail_extended(console_sqlstate::kInvalidCursorName,
                         fmt::format("portal {} does not exist", config::in_quotes(name)));
  }
  wire::Writer writer;
  if (what == 'S') writer.begin(wire::server::kParameterDescription).u16(0).end();
  const ConsolePlan& plan = what == 'S' ? statement->second : portal->second.plan;
  if (plan.columns.empty()) {
    writer.begin(wire::server::kNoData).end();
  } else {
    write_row_description(writer, plan.columns, what == 'S' ? ResultFormats() : portal->second.formats);
  }
  send(writer);
}

void Console::on_execute(std::string_view body) {
  Fields fields(body);
  const std::string name(fields.text());
  const std::uint32_t limit = fields.u32();
  if (!fields.is_complete()) return close(wire::sqlstate::kProtocolViolation, "invalid message format");
  const auto at = portals_.find(name);
  if (at == portals_.end()) {
    return fail_extended(console_sqlstate::kInvalidCursorName,
                         fmt::format("portal {} does not exist", config::in_quotes(name)));
  }
  Portal& portal = at->second;
  if (portal.executed) return send_part(portal, limit);
  if (is_empty(portal.plan)) {
    wire::Writer writer;
    return send(writer.begin(wire::server::kEmptyQueryResponse).end());
  }
  portal.executed = true;
  executor_.run(portal.plan, portal.formats, [this, name, limit](ConsoleAnswer answer) {
    answer_execute(name, limit, std::move(answer));
    client_.resume_input();
  });
}

/// No other message has been handled since the Execute, so the portal is still there.
void Console::answer_execute(const std::string& name, std::uint32_t limit, ConsoleAnswer answer) {
  if (answer.error) return fail_extended(*answer.error);
  if (answer.notice) send_error(*answer.notice);
  transaction_status_ = answer.transaction_status.value_or(transaction_status_);
  Portal& portal = portals_.find(name)->second;
  portal.rows = std::move(answer.rows);
  portal.tag = std::move(answer.tag);
  send_part(portal, limit);
}

/// As many rows as the client wants at a time; 0: all.
void Console::send_part(Portal& portal, std::uint32_t limit) {
  const std::size_t size = limit == 0 ? portal.rows.size() : size_of_rows(portal.rows, limit);
  wire::Writer writer;
  writer.text(std::string_view(portal.rows).substr(0, size));
  portal.rows.erase(0, size);
  if (portal.rows.empty()) {
    writer.begin(wire::server::kCommandComplete).cstring(portal.tag).end();
  } else {
    writer.begin(wire::server::kPortalSuspended).end();
  }
  send(writer);
}

void Console::on_close(std::string_view body) {
  Fields fields(body);
  const char what = fields.letter();
  const std::string_view name = fields.text();
  if (!fields.is_complete() || (what != 'S' && what != 'P')) {
    return close(wire::sqlstate::kProtocolViolation, "invalid message format");
  }
  if (what == 'S') {
    if (const auto at = statements_.find(name); at != statements_.end()) statements_.erase(at);
  } else if (const auto at = portals_.find(name); at != portals_.end()) {
    portals_.erase(at);
  }
  wire::Writer writer;
  send(writer.begin(wire::server::kCloseComplete).end());
}

}  // namespace forebay::pgfront
