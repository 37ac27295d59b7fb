#include "http/raw_request.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii.hpp"

namespace forebay::http {

namespace {

namespace beast_http = boost::beast::http;

std::string text(boost::beast::string_view view) {
  return {view.data(), view.size()};
}

struct Target {
  std::optional<std::string> authority;  ///< nothing: it is in origin form, as nearly all are
  std::string path;
  std::string query;
};

/// In absolute form the target names the host as well, and goes before the field (RFC 9112, 3.2.2). What is
/// in neither form is its own path, which is nowhere.
Target target_of(const RawRequest& raw) {
  Target target;
  std::string rest = text(raw.target());
  const auto colon = rest.find("://");
  const auto scheme = lower_case(rest.substr(0, colon));
  if (colon != std::string::npos && (scheme == "http" || scheme == "https")) {
    rest.erase(0, colon + 3);
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    target.authority = rest.substr(0, end);
    rest.erase(0, end);
    if (!rest.starts_with('/')) rest.insert(0, "/");
  }
  const auto question = rest.find('?');
  target.path = rest.substr(0, question);
  if (question != std::string::npos) target.query = rest.substr(question + 1);
  return target;
}

/// By a proxy, which may be on this machine while whoever asks is not.
bool is_passed_on(const RawRequest& raw) {
  for (const std::string_view name : {"Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"}) {
    if (raw.find({name.data(), name.size()}) != raw.end()) return true;
  }
  return false;
}

}  // namespace

bool is_ambiguous(const RawRequest& raw) {
  const auto codings = raw.equal_range(beast_http::field::transfer_encoding);
  for (auto coding = codings.first; coding != codings.second; ++coding) {
    if (lower_case(text(coding->value())) != "chunked") return true;
  }
  return raw.count(beast_http::field::host) > 1;
}

std::string expectation_of(const RawRequest& raw) {
  return raw.version() < 11 ? "" : lower_case(text(raw[beast_http::field::expect]));
}

Request request_of(const RawRequest& raw, bool is_local, bool is_private) {
  Target target = target_of(raw);
  const auto field = [&raw](beast_http::field name) { return text(raw[name]); };
  return {.method = text(raw.method_string()),
          .path = std::move(target.path),
          .query = std::move(target.query),
          .host = target.authority ? std::move(*target.authority) : field(beast_http::field::host),
          .origin = field(beast_http::field::origin),
          .fetch_site = text(raw["Sec-Fetch-Site"]),
          .accept = field(beast_http::field::accept),
          .accept_encoding = field(beast_http::field::accept_encoding),
          .if_none_match = field(beast_http::field::if_none_match),
          .authorization = field(beast_http::field::authorization),
          .content_type = field(beast_http::field::content_type),
          .body = raw.body(),
          .is_local = is_local && !is_passed_on(raw),
          .is_private = is_private};
}

}  // namespace forebay::http
