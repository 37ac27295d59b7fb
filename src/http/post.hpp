#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

namespace forebay::http {

/// Where something is sent to by HTTP or HTTPS.
struct Destination {
  std::string host;  ///< as it is looked up
  std::string port;
  std::string authority;      ///< host and port for the field Host: an IPv6 address stands in brackets
  std::string target;         ///< path and query
  std::string authorization;  ///< of the field of that name; empty: none
  std::chrono::milliseconds timeout{10'000};
  std::shared_ptr<boost::asio::ssl::context> tls = {};  ///< of https; null: http
  std::string mistake = {};  ///< why nothing can be sent there; empty: it can be tried
};

/// `url`: http or https, valid. `token`: for the scheme Bearer, or empty. `ca_file`: who is trusted; empty:
/// those whom the system trusts.
Destination destination_of(std::string_view url, const std::string& token, const std::string& ca_file,
                           std::chrono::milliseconds timeout);

struct Posted {
  unsigned status = 0;       ///< 0: there was no answer
  std::string problem = {};  ///< empty: a status of 2xx
};

/// One POST over a connection of its own, of which the whole takes at most the destination's time twice: to
/// find the name, and for the rest. `body` is JSON. Of the answer nothing but the status is read.
boost::asio::awaitable<Posted> post(boost::asio::io_context& context,
                                    std::shared_ptr<const Destination> destination, std::string body);

}  // namespace forebay::http
