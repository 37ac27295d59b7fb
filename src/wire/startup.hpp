#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "wire/error_message.hpp"
#include "wire/writer.hpp"

namespace forebay::wire {

/// Identifies a running session for a cancel: BackendKeyData's two numbers.
struct CancelKey {
  std::uint32_t process_id = 0;
  std::uint32_t secret = 0;

  friend bool operator==(const CancelKey&, const CancelKey&) = default;
};

struct SslRequest {};
struct GssRequest {};
struct CancelRequest {
  CancelKey key;
};

/// Name and value of a run-time parameter.
using Parameter = std::pair<std::string, std::string>;

struct StartupMessage {
  std::uint16_t major = 3;
  std::uint16_t minor = 0;
  std::string user;
  std::string database;     ///< empty when the client left it out: the user's name then
  std::string replication;  ///< "", or the value that the client sent
  std::string application_name;
  std::vector<Parameter> parameters;         ///< all others, sorted by name
  std::vector<std::string> unknown_options;  ///< names that start with "_pq_.", for NegotiateProtocolVersion
  std::optional<ErrorMessage> notice;        ///< what PostgreSQL says of it before it greets the client
};

using FirstPacket = std::variant<SslRequest, GssRequest, CancelRequest, StartupMessage>;

/// What PostgreSQL answers to a version, or a request, that it does not know.
std::string unsupported_protocol(std::uint32_t version);

/// Parses the body of a packet without a type byte (everything after its four bytes of length).
/// Errors: ErrorCode::invalid_input with the text that PostgreSQL uses, ErrorCode::unsupported for another
/// protocol.
Result<FirstPacket> parse_first_packet(std::string_view body);

/// Appends a start-up packet.
void write_startup(Writer& writer, const std::vector<Parameter>& parameters);
void write_ssl_request(Writer& writer);
void write_cancel(Writer& writer, const CancelKey& key);

}  // namespace forebay::wire
