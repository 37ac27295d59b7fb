#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/host_port.hpp"
#include "config/problem.hpp"
#include "config/values.hpp"

namespace forebay::config {
namespace {

constexpr std::string_view kForms =
    "write HOST[:PORT], [IPV6][:PORT] or DIRECTORY[:PORT], and behind it, where wanted, ` weight=N` and "
    "` zone=NAME`; for example 10.0.0.2:5432 weight=2 zone=a";
constexpr std::string_view kWeight = "weight=";
constexpr std::string_view kZone = "zone=";
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
  for (std::string_view rest = trimmed(text.substr(space)); !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest = trimmed(rest.substr(end));
    if (word.starts_with(kWeight)) {
      const auto weight = parse_count(word.substr(kWeight.size()), kWeights);
      if (!weight) return complaint(fmt::format("{}: the weight {}", in_quotes(text), weight.error().text));
      replica.weight = *weight;
    } else if (word.starts_with(kZone) && word.size() > kZone.size()) {
      replica.zone = word.substr(kZone.size());
    } else {
      return complaint(fmt::format("{} is no server; {}", in_quotes(text), kForms));
    }
  }
  return replica;
}

std::string to_text(const Replica& replica) {
  std::string text = join_host_port(replica.host, replica.port);
  if (replica.weight != 1) text += fmt::format(" weight={}", replica.weight);
  if (!replica.zone.empty()) text += fmt::format(" zone={}", replica.zone);
  return text;
}

}  // namespace forebay::config
