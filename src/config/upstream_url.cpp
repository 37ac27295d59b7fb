#include "config/upstream_url.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/problem.hpp"

namespace forebay::config {
namespace {

constexpr std::string_view kSchemes[] = {"postgres://", "postgresql://"};

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  return is_lower_hex(to_lower(c)) ? to_lower(c) - 'a' + 10 : -1;
}

/// Decodes one part of the URL. `name` says which in complaints; the part itself may be secret and is not
/// told.
std::string decoded(std::string_view text, std::string_view name, std::vector<std::string>& complaints) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      complaints.push_back(fmt::format(
          "the {} has a % that two hexadecimal digits do not follow; write %25 for a plain %", name));
      return {};
    }
    if (high == 0 && low == 0) {
      complaints.push_back(fmt::format("the {} has %00, which PostgreSQL cannot take", name));
      return {};
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// Splits `text` at the first of `ends`; the end itself goes with the second part.
std::pair<std::string_view, std::string_view> split_before(std::string_view text, std::string_view ends) {
  const auto at = std::min(text.find_first_of(ends), text.size());
  return {text.substr(0, at), text.substr(at)};
}

void parse_user(std::string_view text, UpstreamUrl& url, std::vector<std::string>& complaints) {
  const auto [user, rest] = split_before(text, ":");
  url.user = decoded(user, "user", complaints);
  if (!rest.empty()) url.password = decoded(rest.substr(1), "password", complaints);
}

void parse_host(std::string_view text, UpstreamUrl& url, std::vector<std::string>& complaints) {
  if (text.find(',') != std::string_view::npos) {
    complaints.emplace_back("the URL names several hosts; an upstream is one server");
    return;
  }
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) {
      complaints.emplace_back("the host has no closing bracket");
      return;
    }
    url.host = std::string(text.substr(1, end - 1));
    rest = text.substr(end + 1);
  } else {
    const auto [host, port] = split_before(text, ":");
    url.host = decoded(host, "host", complaints);
    rest = port;
  }
  if (rest.empty()) return;
  if (rest.front() == ':') {
    url.port = decoded(rest.substr(1), "port", complaints);
  } else {
    complaints.emplace_back("what follows the closing bracket of the host is no port");
  }
}

void parse_parameters(std::string_view text, UpstreamUrl& url, std::vector<std::string>& complaints) {
  while (!text.empty()) {
    const auto [parameter, rest] = split_before(text, "&");
    text = rest.empty() ? rest : rest.substr(1);
    const auto [name, value] = split_before(parameter, "=");
    if (name.empty() || value.empty()) {
      complaints.push_back(fmt::format("the parameter {} has not the form name=value", in_quotes(name)));
      continue;
    }
    const std::string decoded_name = decoded(name, "name of a parameter", complaints);
    url.parameters.emplace_back(decoded_name, decoded(value.substr(1), in_quotes(decoded_name), complaints));
  }
}

}  // namespace

bool is_upstream_url(std::string_view text) {
  return std::any_of(std::begin(kSchemes), std::end(kSchemes),
                     [text](std::string_view scheme) { return text.starts_with(scheme); });
}

UpstreamUrl parse_upstream_url(std::string_view text, std::vector<std::string>& complaints) {
  UpstreamUrl url;
  const auto scheme =
      std::find_if(std::begin(kSchemes), std::end(kSchemes),
                   [text](std::string_view candidate) { return text.starts_with(candidate); });
  if (scheme == std::end(kSchemes)) {
    complaints.emplace_back(
        "this is no PostgreSQL URL; write postgres://user:password@host:5432, with /database after it to "
        "send "
        "every client there");
    return url;
  }
  if (text.find('\0') != std::string_view::npos) {
    complaints.emplace_back("the URL holds a zero byte, which PostgreSQL cannot take");
    return url;
  }
  const auto [authority, tail] = split_before(text.substr(scheme->size()), "/?");
  const auto at = authority.find('@');
  const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  const auto [path, query] = split_before(tail, "?");
  // A raw @, / or ? in a password splits the URL in the wrong place; nothing of it may be told then.
  const bool has_password = authority.substr(0, at).find(':') != std::string_view::npos;
  const bool late_at = at == std::string_view::npos
                           ? tail.find('@') != std::string_view::npos
                           : has_password && query.find('@') != std::string_view::npos;
  if (late_at || host.find('@') != std::string_view::npos || path.find('@') != std::string_view::npos) {
    complaints.emplace_back(
        "the URL has an @ in the wrong place; in a user, password or parameter write %40 for @, %2F for / "
        "and %3F for ?");
    return url;
  }
  if (at != std::string_view::npos) parse_user(authority.substr(0, at), url, complaints);
  parse_host(host, url, complaints);
  if (!path.empty()) url.database = decoded(path.substr(1), "database", complaints);
  if (!query.empty()) parse_parameters(query.substr(1), url, complaints);
  return url;
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace forebay::config
