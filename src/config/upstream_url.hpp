#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace forebay::config {

/// A libpq connection URL in its parts, percent-decoded
/// (https://www.postgresql.org/docs/15/libpq-connect.html, 34.1.1.2). What the URL leaves out is empty.
struct UpstreamUrl {
  std::string user;
  std::string password;
  std::string host;
  std::string port;
  std::string database;
  std::vector<std::pair<std::string, std::string>> parameters;  ///< what follows the question mark, in order
};

/// Takes a URL apart as libpq does. Mistakes are added to `complaints`, which never hold the password.
UpstreamUrl parse_upstream_url(std::string_view url, std::vector<std::string>& complaints);

/// True when `text` begins like a URL of libpq.
bool is_upstream_url(std::string_view text);

/// `text` with everything escaped that could end a part of a URL.
std::string percent_encoded(std::string_view text);

}  // namespace forebay::config
