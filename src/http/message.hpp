#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace forebay::http {

/// What somebody may do: nothing but ask whether the process is alive and ready; look; everything.
enum class Role : std::uint8_t { none, viewer, admin };

/// A request as far as anybody looks at it. Fields that were not sent are empty.
struct Request {
  std::string method;
  std::string path;   ///< up to the question mark, as it was sent
  std::string query;  ///< behind it
  std::string host;
  std::string origin;
  std::string fetch_site;  ///< Sec-Fetch-Site
  std::string accept;
  std::string accept_encoding;
  std::string if_none_match;
  std::string authorization;
  std::string content_type;
  std::string body;
  bool is_local = false;    ///< from this machine, by a loopback address
  bool is_private = false;  ///< by TLS
};

struct Reply {
  unsigned status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> fields = {};
};

}  // namespace forebay::http
