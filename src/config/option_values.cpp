#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "config/nearest.hpp"
#include "config/option_builder.hpp"
#include "config/problem.hpp"
#include "config/upstream_url.hpp"

namespace forebay::config {
namespace {

/// The option that a parameter of a URL sets, or null.
const Option* find_parameter(std::string_view name) {
  for (const Option& option : options()) {
    if (option.scope == Scope::upstream && !option.url_parameter.empty() && option.url_parameter == name) {
      return &option;
    }
  }
  return nullptr;
}

std::string unknown_parameter(const std::string& name) {
  std::vector<std::string> names;
  for (const Option& option : options()) {
    if (!option.url_parameter.empty()) names.push_back(option.url_parameter);
  }
  const auto near = nearest(name, names);
  return fmt::format("the parameter {} is not known{} (allowed: {})", in_quotes(name),
                     near ? fmt::format("; did you mean {}?", in_quotes(*near)) : "", joined(names));
}

std::string url_of(const Upstream& upstream, const std::string& password) {
  std::string url = "postgres://" + percent_encoded(upstream.user);
  if (!password.empty()) url += ":" + password;
  if (!upstream.user.empty() || !password.empty()) url += "@";
  const bool unix_socket = upstream.host.starts_with('/');
  const bool ipv6 = upstream.host.find(':') != std::string::npos;
  if (!unix_socket) url += ipv6 ? fmt::format("[{}]", upstream.host) : percent_encoded(upstream.host);
  url += fmt::format(":{}", upstream.port);
  if (!upstream.database.empty() || unix_socket) url += "/" + percent_encoded(upstream.database);
  if (unix_socket) url += "?host=" + upstream.host;
  if (upstream.tls.mode != ServerTls{}.mode) {
    url += fmt::format("{}sslmode={}", unix_socket ? '&' : '?', to_text(upstream.tls.mode));
  }
  return url;
}

}  // namespace

void ValueOf<std::vector<std::string>>::parse(std::string_view text, std::vector<std::string>& value,
                                              const Reading& reading) {
  for (std::string& name : split_list(text)) {
    if (name.empty()) {
      reading.complaints.push_back(fmt::format("{} has an empty name", in_quotes(text)));
    } else {
      value.push_back(std::move(name));
    }
  }
}

std::string ValueOf<std::vector<std::string>>::show(const std::vector<std::string>& value) {
  return joined(value);
}

namespace {

template <class T>
void parse_each(std::string_view text, std::vector<T>& value, const Reading& reading,
                Result<T> (*parse)(std::string_view)) {
  for (const std::string& part : split_list(text)) {
    auto item = parse(part);
    if (item) {
      value.push_back(std::move(*item));
    } else {
      reading.complaints.push_back(item.error().text);
    }
  }
}

template <class T>
std::string show_each(const std::vector<T>& value) {
  std::vector<std::string> parts;
  parts.reserve(value.size());
  for (const T& item : value) parts.push_back(to_text(item));
  return joined(parts);
}

}  // namespace

void ValueOf<std::vector<ListenAddress>>::parse(std::string_view text, std::vector<ListenAddress>& value,
                                                const Reading& reading) {
  parse_each(text, value, reading, parse_listen_address);
}

std::string ValueOf<std::vector<ListenAddress>>::show(const std::vector<ListenAddress>& value) {
  return show_each(value);
}

void ValueOf<std::vector<HttpAddress>>::parse(std::string_view text, std::vector<HttpAddress>& value,
                                              const Reading& reading) {
  parse_each(text, value, reading, parse_http_address);
}

std::string ValueOf<std::vector<HttpAddress>>::show(const std::vector<HttpAddress>& value) {
  return show_each(value);
}

/// No complaint repeats a word.
void ValueOf<Tokens>::parse(std::string_view text, Tokens& value, const Reading& reading) {
  constexpr std::size_t kShortest = 16;  // 96 bits, when it is made by chance from letters and digits
  for (std::string& word : split_list(text)) {
    const bool is_fit = std::ranges::all_of(word, [](char c) { return c > ' ' && c <= '~'; });
    if (word.size() < kShortest || !is_fit) {
      reading.complaints.push_back(
          fmt::format("a token has at least {} letters, digits or signs of ASCII and no blanks; "
                      "`openssl rand -hex 32` makes one",
                      kShortest));
    } else {
      value.words.push_back(std::move(word));
    }
  }
}

void ValueOf<std::vector<Replica>>::parse(std::string_view text, std::vector<Replica>& value,
                                          const Reading& reading) {
  parse_each(text, value, reading, parse_replica);
}

std::string ValueOf<std::vector<Replica>>::show(const std::vector<Replica>& value) {
  return show_each(value);
}

void parse_file(std::string_view text, std::string& value, const Reading& reading) {
  namespace fs = std::filesystem;
  if (text.empty()) {
    value.clear();
    return;
  }
  const fs::path path = (reading.place.base / fs::path(text)).lexically_normal();
  value = path.string();
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    reading.complaints.push_back(fmt::format("there is no file {}", in_quotes(value)));
  } else if (fs::is_directory(status)) {
    reading.complaints.push_back(fmt::format("{} is a directory; name a file", in_quotes(value)));
  } else if (fs::is_regular_file(status) && !std::ifstream(path)) {
    reading.complaints.push_back(
        fmt::format("{} cannot be read by this user; change its owner or its mode", in_quotes(value)));
  }
}

void store_upstream_url(std::string_view text, Upstream& upstream, const std::filesystem::path& base,
                        std::vector<std::string>& complaints) {
  const UpstreamUrl url = parse_upstream_url(trimmed(text), complaints);
  upstream = Upstream{};
  const Place place{.upstream = &upstream, .base = base};
  std::vector<std::pair<std::string, std::string>> settings = {{"host", url.host},
                                                               {"port", url.port},
                                                               {"user", url.user},
                                                               {"password", url.password},
                                                               {"dbname", url.database}};
  settings.insert(settings.end(), url.parameters.begin(), url.parameters.end());
  for (const auto& [name, value] : settings) {
    const Option* option = find_parameter(name);
    if (option == nullptr) {
      complaints.push_back(unknown_parameter(name));
      continue;
    }
    if (value.empty()) continue;  // as in libpq: the default
    std::vector<std::string> wrong;
    option->store(place, value, wrong);
    for (const std::string& why : wrong) complaints.push_back(fmt::format("{}: {}", name, why));
  }
}

std::string upstream_url(const Upstream& upstream) {
  return url_of(upstream, percent_encoded(upstream.password));
}

std::string masked_upstream(const Upstream& upstream) {
  return url_of(upstream, upstream.password.empty() ? "" : "***");
}

}  // namespace forebay::config
