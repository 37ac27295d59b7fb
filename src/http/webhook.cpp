#include "http/webhook.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <fmt/format.h>

#include "http/webhook_body.hpp"
#include "observe/log.hpp"

namespace forebay::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using asio::redirect_error;
using asio::use_awaitable;
using std::chrono::seconds;
using tcp = asio::ip::tcp;
using ErrorOf = boost::system::error_code;
using Private = asio::ssl::stream<beast::tcp_stream>;

constexpr std::size_t kMostWaiting = 100;
constexpr seconds kFirstPause{1};
constexpr seconds kLongestPause{60};
/// After so long a delivery is given up: by then it is no news.
constexpr std::chrono::minutes kLongestTry{10};
/// What a receiver says is not read any further.
constexpr std::uint64_t kLongestAnswer = 64 * 1024;

using Post = beast_http::request<beast_http::string_body>;

}  // namespace

struct Webhook::Receiver {
  std::string host;
  std::string port;
  std::string target;
  std::string authorization;
  Duration timeout;
  bool is_private = false;
  std::unique_ptr<asio::ssl::context> tls = {};  ///< of https
  std::string mistake = {};                      ///< why it cannot be used
};

namespace {

/// A connection's lower end, for its deadline.
beast::tcp_stream& lowest(beast::tcp_stream& stream) {
  return stream;
}
beast::tcp_stream& lowest(Private& stream) {
  return stream.next_layer();
}

/// Sends and returns the status; 0 with `error` when there is none.
template <class Stream>
asio::awaitable<unsigned> exchange(Stream& stream, const Post& post, ErrorOf& error) {
  co_await beast_http::async_write(stream, post, redirect_error(use_awaitable, error));
  if (error) co_return 0;
  beast::flat_buffer buffer;
  beast_http::response_parser<beast_http::string_body> parser;
  parser.body_limit(kLongestAnswer);
  co_await beast_http::async_read_header(stream, buffer, parser, redirect_error(use_awaitable, error));
  co_return error ? 0 : parser.get().result_int();
}

}  // namespace

Webhook::Webhook(asio::io_context& context, std::string instance)
    : context_(context), instance_(std::move(instance)), pause_(context) {}
Webhook::~Webhook() = default;

void Webhook::use(const config::Webhook& settings) {
  format_ = settings.format;
  receiver_.reset();
  if (settings.url.empty()) {
    waiting_.clear();
    return;
  }
  const boost::urls::url_view url = boost::urls::parse_uri(settings.url).value();
  auto receiver = std::make_shared<Receiver>();
  receiver->is_private = url.scheme() == "https";
  receiver->host = url.host_address();
  receiver->port = url.has_port() ? std::string(url.port()) : receiver->is_private ? "443" : "80";
  receiver->target = url.encoded_path();
  if (format_ == config::WebhookFormat::alertmanager) {
    while (receiver->target.ends_with('/')) receiver->target.pop_back();
    receiver->target += "/api/v2/alerts";
  }
  if (receiver->target.empty()) receiver->target = "/";
  if (url.has_query()) receiver->target += "?" + std::string(url.encoded_query());
  if (!settings.token.words.empty()) receiver->authorization = "Bearer " + settings.token.words.front();
  receiver->timeout = settings.timeout;
  if (receiver->is_private) {
    ErrorOf error;
    receiver->tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
    receiver->tls->set_verify_mode(asio::ssl::verify_peer, error);
    if (settings.ca_file.empty()) {
      receiver->tls->set_default_verify_paths(error);
    } else {
      receiver->tls->load_verify_file(settings.ca_file, error);
    }
    if (error) receiver->mistake = "the authorities cannot be read: " + error.message();
  }
  receiver_ = std::move(receiver);
}

void Webhook::send(const std::vector<alert::Change>& changes, double now) {
  if (receiver_ == nullptr || changes.empty()) return;
  queue(format_ == config::WebhookFormat::alertmanager ? alertmanager_body(instance_, changes, now)
                                                       : changes_body(instance_, changes));
}

void Webhook::repeat(const std::vector<alert::Alert>& active, double now) {
  if (receiver_ == nullptr || format_ != config::WebhookFormat::alertmanager || !waiting_.empty()) return;
  queue(alertmanager_body(instance_, active, now));
}

void Webhook::queue(std::string body) {
  if (body.empty()) return;
  waiting_.push_back({std::move(body), Clock::now()});
  if (waiting_.size() > kMostWaiting) {
    waiting_.pop_front();
    ++figures_.dropped;
  }
  if (!std::exchange(is_running_, true)) asio::co_spawn(context_, run(), asio::detached);
}

asio::awaitable<void> Webhook::run() {
  seconds pause = kFirstPause;
  while (!waiting_.empty() && receiver_ != nullptr) {
    const Delivery delivery = waiting_.front();
    const Outcome outcome = co_await attempt(receiver_, delivery.body);
    note(outcome);
    const bool is_late = Clock::now() - delivery.queued > kLongestTry;
    if (outcome == Outcome::refused || (outcome == Outcome::failed && is_late)) ++figures_.dropped;
    const bool is_over = outcome != Outcome::failed || is_late;
    // It may have made room for others meanwhile.
    if (is_over && !waiting_.empty() && waiting_.front().queued == delivery.queued) waiting_.pop_front();
    if (outcome != Outcome::failed) {
      pause = kFirstPause;
      continue;
    }
    ErrorOf error;
    pause_.expires_after(pause);
    co_await pause_.async_wait(redirect_error(use_awaitable, error));
    pause = std::min(pause * 2, kLongestPause);
  }
  is_running_ = false;
}

asio::awaitable<Webhook::Outcome> Webhook::attempt(std::shared_ptr<const Receiver> receiver,
                                                   std::string body) {
  why_ = receiver->mistake;
  if (!why_.empty()) co_return Outcome::failed;
  ErrorOf error;
  Post post{beast_http::verb::post, receiver->target, 11};
  post.set(beast_http::field::host, receiver->host + ":" + receiver->port);
  post.set(beast_http::field::user_agent, "forebay/" FOREBAY_VERSION);
  post.set(beast_http::field::content_type, "application/json");
  if (!receiver->authorization.empty()) post.set(beast_http::field::authorization, receiver->authorization);
  post.keep_alive(false);
  post.body() = std::move(body);
  post.prepare_payload();

  // Names are looked up by a thread of asio's own.
  tcp::resolver resolver(context_);
  asio::steady_timer deadline(context_, receiver->timeout);
  deadline.async_wait([&resolver](const ErrorOf& cancelled) {
    if (!cancelled) resolver.cancel();
  });
  const auto places =
      co_await resolver.async_resolve(receiver->host, receiver->port, redirect_error(use_awaitable, error));
  deadline.cancel();
  unsigned status = 0;
  if (!error) {
    beast::tcp_stream plain(context_);
    plain.expires_after(receiver->timeout);
    co_await plain.async_connect(places, redirect_error(use_awaitable, error));
    if (!error && !receiver->is_private) {
      status = co_await exchange(plain, post, error);
    } else if (!error) {
      Private secured(std::move(plain), *receiver->tls);
      secured.set_verify_callback(asio::ssl::host_name_verification(receiver->host), error);
      SSL_set_tlsext_host_name(secured.native_handle(), receiver->host.c_str());
      lowest(secured).expires_after(receiver->timeout);
      co_await secured.async_handshake(asio::ssl::stream_base::client, redirect_error(use_awaitable, error));
      if (!error) status = co_await exchange(secured, post, error);
    }
  }
  if (error) {
    why_ = error.message();
    co_return Outcome::failed;
  }
  if (status / 100 == 2) co_return Outcome::sent;
  why_ = fmt::format("it answered with status {}", status);
  const bool is_refused = status / 100 == 4 && status != 408 && status != 429;
  co_return is_refused ? Outcome::refused : Outcome::failed;
}

/// The first failure is logged, and that it works again.
void Webhook::note(Outcome outcome) {
  if (outcome == Outcome::sent) {
    ++figures_.sent;
    if (std::exchange(is_failing_, false)) observe::Event("alerts are delivered again").info();
    return;
  }
  ++figures_.failed;
  if (std::exchange(is_failing_, true)) return;
  observe::Event("alerts cannot be delivered to alerts.webhook.url").with("reason", why_).warning();
}

}  // namespace forebay::http
