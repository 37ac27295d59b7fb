#include "http/parameters.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <ranges>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace forebay::http {

namespace {

Error wrong(std::string text) {
  return {ErrorCode::invalid_input, std::move(text)};
}

std::optional<std::string> decode(std::string_view text, bool has_plus) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      plain.push_back(has_plus && text[at] == '+' ? ' ' : text[at]);
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(at + 1, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
    plain.push_back(static_cast<char>(value));
    at += 2;
  }
  return plain;
}

}  // namespace

std::optional<std::string> decoded(std::string_view text) {
  return decode(text, false);
}

Result<std::map<std::string, std::string>> parameters_of(std::string_view query,
                                                         std::span<const QueryKey> known) {
  std::map<std::string, std::string> parameters;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    const auto key = decode(pair.substr(0, equals), true);
    const auto value = decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!key || !value) return wrong("a percent sign is followed by two hexadecimal digits");
    if (std::ranges::find(known, *key, &QueryKey::name) == known.end()) {
      const auto names = known | std::views::transform(&QueryKey::name);
      return wrong(fmt::format("this takes {}=, and not what was sent", fmt::join(names, "=, ")));
    }
    if (!parameters.emplace(*key, *value).second) return wrong(*key + "= is sent twice");
  }
  return parameters;
}

Result<std::uint64_t> number_of(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most)
    return wrong(fmt::format("a number from {} to {} is expected", least, most));
  return number;
}

}  // namespace forebay::http
