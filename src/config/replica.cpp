#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/host_port.hpp"
#include "config/problem.hpp"
#include "config/values.hpp"

namespace forebay::config {
namespace {

constexpr std::string_view kForms =
    "write HOST[:PORT], [IPV6][:PORT] or DIRECTORY[:PORT], and ` weight=N` behind it if it is not 1; for "
    "example 10.0.0.2:5432 weight=2";
constexpr std::string_view kWeight = "weight=";
constexpr Range kWeights{0, 1'000};

}  // namespace

Result<Replica> parse_replica(std::string_view given) {
  const std::string_view text = trimmed(given);
  const std::size_t space = text.find(' ');
  const auto parts = split_host_port(text.substr(0, space), {1, 65535}, kForms);
  if (!parts) return parts.error();
  Replica replica;
  replica.host = parts->host;
  replica.port = parts->port.value_or(replica.port);
  if (space == std::string_view::npos) return replica;
  const std::string_view rest = trimmed(text.substr(space));
  if (!rest.starts_with(kWeight)) {
    return complaint(fmt::format("{} is no server; {}", in_quotes(text), kForms));
  }
  const auto weight = parse_count(rest.substr(kWeight.size()), kWeights);
  if (!weight) return complaint(fmt::format("{}: the weight {}", in_quotes(text), weight.error().text));
  replica.weight = *weight;
  return replica;
}

std::string to_text(const Replica& replica) {
  const std::string place = join_host_port(replica.host, replica.port);
  return replica.weight == 1 ? place : fmt::format("{} weight={}", place, replica.weight);
}

}  // namespace forebay::config
