#include "wire/startup.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "wire/protocol.hpp"
#include "wire/startup_options.hpp"

namespace forebay::wire {

namespace {

Error invalid(std::string text) {
  return {ErrorCode::invalid_input, std::move(text)};
}

constexpr std::string_view kMessageLevel = "client_min_messages";

/// Of a name in PostgreSQL: NAMEDATALEN - 1.
constexpr std::size_t kLongestName = 63;

/// What PostgreSQL makes of an application_name: a name (GUC_IS_NAME) of printable ASCII (pg_clean_ascii in
/// common/string.c).
std::string clean_application_name(std::string_view value) {
  std::string cleaned(utf8_prefix(value, kLongestName));
  for (char& c : cleaned) {
    if (c < 32 || c > 126) c = '?';
  }
  return cleaned;
}

/// What PostgreSQL says when it cuts a name (truncate_identifier in parser/scansup.c).
ErrorMessage cut_notice(std::string_view name) {
  return {Severity::notice,
          std::string(sqlstate::kNameTooLong),
          fmt::format("identifier \"{}\" will be truncated to \"{}\"", name, utf8_prefix(name, kLongestName)),
          {},
          {}};
}

/// Whether the client has asked for warnings and errors alone.
bool wants_no_notices(const std::vector<Parameter>& parameters) {
  std::string level;
  std::string in_options;
  for (const auto& [name, value] : parameters) {
    if (lower_case(name) == kMessageLevel) level = value;
    if (name == "options") in_options = option_setting(value, kMessageLevel).value_or("");
  }
  level = lower_case(level.empty() ? in_options : level);
  return level == "warning" || level == "error";
}

/// A name that comes twice counts as it came last.
void store_setting(std::vector<Parameter>& parameters, std::string_view name, std::string_view value) {
  const auto known = std::ranges::find(parameters, name, &Parameter::first);
  if (known != parameters.end()) {
    known->second = value;
  } else {
    parameters.emplace_back(name, value);
  }
}

void store_parameter(StartupMessage& message, std::string_view name, std::string_view value) {
  if (name == "user") {
    message.user = value;
  } else if (name == "database") {
    message.database = value;
  } else if (name == "replication") {
    message.replication = value;
  } else if (name == "application_name") {
    message.application_name = clean_application_name(value);
    if (value.size() > kLongestName) message.notice = cut_notice(value);
  } else if (name.starts_with("_pq_.")) {
    message.unknown_options.emplace_back(name);
  } else {
    store_setting(message.parameters, name, value);
  }
}

Result<FirstPacket> parse_startup(std::uint32_t version, std::string_view rest) {
  StartupMessage message;
  message.major = static_cast<std::uint16_t>(version >> 16);
  message.minor = static_cast<std::uint16_t>(version & 0xffff);
  if (message.major != 3) {
    return Error{ErrorCode::unsupported, unsupported_protocol(version)};
  }
  std::string_view name;
  std::string_view value;
  for (;;) {
    if (!take_cstring(rest, name))
      return invalid("invalid startup packet layout: expected terminator as last byte");
    if (name.empty()) break;
    if (!take_cstring(rest, value))
      return invalid("invalid startup packet layout: expected terminator as last byte");
    store_parameter(message, name, value);
  }
  if (!rest.empty()) return invalid("invalid startup packet layout: expected terminator as last byte");
  if (message.user.empty()) {
    return Error{ErrorCode::authentication, "no PostgreSQL user name specified in startup packet"};
  }
  if (message.database.empty()) message.database = message.user;
  if (message.notice && wants_no_notices(message.parameters)) message.notice.reset();
  std::ranges::sort(message.parameters);
  return FirstPacket(std::move(message));
}

}  // namespace

std::string unsupported_protocol(std::uint32_t version) {
  return fmt::format("unsupported frontend protocol {}.{}: server supports 3.0 to 3.0", version >> 16,
                     version & 0xffff);
}

Result<FirstPacket> parse_first_packet(std::string_view body) {
  if (body.size() < 4) return invalid("invalid length of startup packet");
  const auto* bytes = reinterpret_cast<const std::byte*>(body.data());
  const std::uint32_t code = load_u32(bytes);
  switch (code) {
    case kSslRequestCode:
      return FirstPacket(SslRequest{});
    case kGssRequestCode:
      return FirstPacket(GssRequest{});
    case kCancelRequestCode:
      if (body.size() != 12) return invalid("invalid length of cancel request");
      return FirstPacket(CancelRequest{{load_u32(bytes + 4), load_u32(bytes + 8)}});
    default:
      return parse_startup(code, body.substr(4));
  }
}

void write_startup(Writer& writer, const std::vector<Parameter>& parameters) {
  writer.begin_untyped().u32(kProtocol30);
  for (const auto& [name, value] : parameters) writer.cstring(name).cstring(value);
  writer.u8(0).end();
}

void write_ssl_request(Writer& writer) {
  writer.begin_untyped().u32(kSslRequestCode).end();
}

void write_cancel(Writer& writer, const CancelKey& key) {
  writer.begin_untyped().u32(kCancelRequestCode).u32(key.process_id).u32(key.secret).end();
}

}  // namespace forebay::wire
