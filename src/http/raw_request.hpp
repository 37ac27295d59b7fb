#pragma once

#include <string>
#include <string_view>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/message.hpp"

namespace forebay::http {

/// As it came in.
using RawRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// What a proxy in front of us might take for another request than we do (RFC 9112, 3.2 and 6.1).
bool is_ambiguous(const RawRequest& raw);
/// What is asked of one that is.
inline constexpr std::string_view kUnambiguous = "one Host, and no Transfer-Encoding but chunked";

/// What a client waits for before it sends the body (RFC 9110, 10.1.1); who speaks HTTP/1.0 waits for
/// nothing.
std::string expectation_of(const RawRequest& raw);

/// `is_local`: it comes from this machine. `is_private`: nobody listens in.
Request request_of(const RawRequest& raw, bool is_local, bool is_private);

}  // namespace forebay::http
