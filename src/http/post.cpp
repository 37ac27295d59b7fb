#include "http/post.hpp"

#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include "http/peer.hpp"

namespace forebay::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using tcp = asio::ip::tcp;
using ErrorOf = boost::system::error_code;

/// Of an answer's head.
constexpr std::uint32_t kLongestHead = 16 * 1024;

std::string head_of(const Destination& to, std::size_t length) {
  beast_http::request<beast_http::empty_body> raw{beast_http::verb::post, to.target, 11};
  raw.set(beast_http::field::host, to.authority);
  raw.set(beast_http::field::user_agent, "forebay/" FOREBAY_VERSION);
  raw.set(beast_http::field::content_type, "application/json");
  if (!to.authorization.empty()) raw.set(beast_http::field::authorization, to.authorization);
  raw.keep_alive(false);
  raw.content_length(length);
  std::ostringstream written;
  written << raw.base();
  return std::move(written).str();
}

awaitable<unsigned> status_of(Peer& peer, ErrorOf& error) {
  beast::flat_buffer buffer(kLongestHead);
  beast_http::response_parser<beast_http::empty_body> parser;
  parser.header_limit(kLongestHead);
  while (!parser.is_header_done()) {
    error = co_await peer.read_some(buffer);
    if (error) co_return 0;
    buffer.consume(parser.put(buffer.data(), error));
    if (error == beast_http::error::need_more) error = {};
    if (error) co_return 0;
  }
  co_return parser.get().result_int();
}

awaitable<tcp::resolver::results_type> find(asio::io_context& context, const Destination& to,
                                            ErrorOf& error) {
  // It asks on a thread of asio's own. The deadline may have come, and wait for its turn, as the answer does.
  const auto resolver = std::make_shared<tcp::resolver>(context);
  asio::steady_timer deadline(context, to.timeout);
  deadline.async_wait([asking = std::weak_ptr(resolver)](const ErrorOf& cancelled) {
    if (const auto still = asking.lock(); still != nullptr && !cancelled) still->cancel();
  });
  co_return co_await resolver->async_resolve(to.host, to.port, redirect_error(use_awaitable, error));
}

awaitable<std::unique_ptr<Peer>> connect(asio::io_context& context, const Destination& to, ErrorOf& error) {
  const auto places = co_await find(context, to, error);
  if (error) co_return nullptr;
  beast::tcp_stream stream(context);
  stream.expires_after(to.timeout);
  co_await stream.async_connect(places, redirect_error(use_awaitable, error));
  if (error) co_return nullptr;
  if (to.tls == nullptr) co_return plain_peer(std::move(stream));
  co_return co_await tls_peer_of(std::move(stream), to.host, *to.tls, to.timeout, error);
}

}  // namespace

Destination destination_of(std::string_view url, const std::string& token, const std::string& ca_file,
                           std::chrono::milliseconds timeout) {
  const boost::urls::url_view parts = boost::urls::parse_uri({url.data(), url.size()}).value();
  const bool is_private = parts.scheme() == "https";
  Destination to{.host = parts.host_address(),
                 .port = parts.has_port() ? std::string(parts.port())
                         : is_private     ? "443"
                                          : "80",
                 .target = std::string(parts.encoded_path()),
                 .authorization = token.empty() ? "" : "Bearer " + token,
                 .timeout = timeout};
  to.authority = fmt::format("{}:{}", std::string_view(parts.encoded_host()), to.port);
  if (to.target.empty()) to.target = "/";
  if (parts.has_query()) to.target += "?" + std::string(parts.encoded_query());
  if (!is_private) return to;
  ErrorOf error;
  to.tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  to.tls->set_verify_mode(asio::ssl::verify_peer, error);
  if (ca_file.empty()) {
    to.tls->set_default_verify_paths(error);
  } else {
    to.tls->load_verify_file(ca_file, error);
  }
  if (error) to.mistake = "the authorities cannot be read: " + error.message();
  return to;
}

awaitable<Posted> post(asio::io_context& context, std::shared_ptr<const Destination> destination,
                       std::string body) {
  const Destination& to = *destination;
  if (!to.mistake.empty()) co_return Posted{.problem = to.mistake};
  ErrorOf error;
  const auto peer = co_await connect(context, to, error);
  unsigned status = 0;
  if (!error) {
    const std::string head = head_of(to, body.size());
    peer->expires_after(to.timeout);
    error = co_await peer->write({asio::buffer(head), asio::buffer(body)});
    if (!error) status = co_await status_of(*peer, error);
  }
  if (error) co_return Posted{.problem = error.message()};
  if (status / 100 == 2) co_return Posted{.status = status};
  co_return Posted{.status = status, .problem = fmt::format("it answered with status {}", status)};
}

}  // namespace forebay::http
