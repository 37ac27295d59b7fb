#include "wire/startup.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "wire/protocol.hpp"

namespace forebay::wire {

namespace {

Error invalid(std::string text) {
  return {ErrorCode::invalid_input, std::move(text)};
}

/// What PostgreSQL makes of an application_name: a name of up to 63 bytes (GUC_IS_NAME, NAMEDATALEN) of
/// printable ASCII (pg_clean_ascii in common/string.c).
std::string clean_application_name(std::string_view value) {
  constexpr std::size_t kLongest = 63;
  std::size_t size = std::min(value.size(), kLongest);
  // Not through the middle of a character.
  const auto continues = [&value](std::size_t at) {
    return (static_cast<unsigned char>(value[at]) & 0xC0U) == 0x80U;
  };
  while (size < value.size() && size > 0 && continues(size)) --size;
  std::string cleaned(value.substr(0, size));
  for (char& c : cleaned) {
    if (c < 32 || c > 126) c = '?';
  }
  return cleaned;
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
    return Error{ErrorCode::unsupported,
                 fmt::format("unsupported frontend protocol {}.{}: server supports 3.0 to 3.0", message.major,
                             message.minor)};
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
  std::ranges::sort(message.parameters);
  return FirstPacket(std::move(message));
}

}  // namespace

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
