#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/problem.hpp"
#include "config/values.hpp"

namespace forebay::config {
namespace {

constexpr std::string_view kForms =
    "write HOST[:PORT], [IPV6][:PORT] or DIRECTORY[:PORT], and ` weight=N` behind it if it is not 1; for "
    "example 10.0.0.2:5432 weight=2";
constexpr std::string_view kWeight = "weight=";
constexpr Range kWeights{0, 1'000};

Error no_replica(std::string_view text) {
  return complaint(fmt::format("{} is no server; {}", in_quotes(text), kForms));
}

/// Splits host and port. An IPv6 address has brackets.
Result<Replica> parse_place(std::string_view text) {
  Replica replica;
  std::size_t end = text.rfind(':');
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return no_replica(text);
    replica.host = text.substr(1, bracket - 1);
    end = bracket + 1 == text.size() ? std::string_view::npos : bracket + 1;
  } else if (text.find(':') != end) {
    return no_replica(text);
  } else {
    replica.host = text.substr(0, end);
  }
  if (replica.host.empty() || replica.host.find_first_of(" \t/\"'@=", 1) != std::string::npos) {
    const bool is_directory = replica.host.starts_with('/') && replica.host.find(' ') == std::string::npos;
    if (!is_directory) return no_replica(text);
  }
  if (end == std::string_view::npos) return replica;
  if (text[end] != ':') return no_replica(text);
  const auto port = parse_count(text.substr(end + 1), {1, 65535});
  if (!port) return complaint(fmt::format("{}: the port {}", in_quotes(text), port.error().text));
  replica.port = static_cast<std::uint16_t>(*port);
  return replica;
}

}  // namespace

Result<Replica> parse_replica(std::string_view given) {
  const std::string_view text = trimmed(given);
  const std::size_t space = text.find(' ');
  auto replica = parse_place(text.substr(0, space));
  if (!replica || space == std::string_view::npos) return replica;
  const std::string_view rest = trimmed(text.substr(space));
  if (!rest.starts_with(kWeight)) return no_replica(text);
  const auto weight = parse_count(rest.substr(kWeight.size()), kWeights);
  if (!weight) return complaint(fmt::format("{}: the weight {}", in_quotes(text), weight.error().text));
  replica->weight = *weight;
  return replica;
}

std::string to_text(const Replica& replica) {
  const bool ipv6 = replica.host.find(':') != std::string::npos;
  return fmt::format("{}:{}{}", ipv6 ? "[" + replica.host + "]" : replica.host, replica.port,
                     replica.weight == 1 ? "" : fmt::format(" weight={}", replica.weight));
}

}  // namespace forebay::config
