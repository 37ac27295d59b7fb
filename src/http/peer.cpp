#include "http/peer.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace forebay::http {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::awaitable;
using asio::use_awaitable;
using Private = asio::ssl::stream<beast::tcp_stream>;

/// Asked for at once: more than a request has as a rule.
constexpr std::size_t kPiece = 4096;

template <class Stream>
class StreamPeer : public Peer {
 public:
  explicit StreamPeer(Stream stream) : stream_(std::move(stream)) {}

  awaitable<Error> read_some(beast::flat_buffer& buffer) override {
    const auto room = buffer.prepare(std::min(kPiece, buffer.max_size() - buffer.size()));
    Error error;
    buffer.commit(co_await stream_.async_read_some(room, asio::redirect_error(use_awaitable, error)));
    co_return error;
  }

  awaitable<Error> write(std::array<asio::const_buffer, 2> bytes) override {
    Error error;
    co_await asio::async_write(stream_, bytes, asio::redirect_error(use_awaitable, error));
    co_return error;
  }

 protected:
  Stream stream_;
};

class PlainPeer final : public StreamPeer<beast::tcp_stream> {
 public:
  using StreamPeer::StreamPeer;

  awaitable<void> end() override { co_return; }
  void expires_after(std::chrono::milliseconds time) override { stream_.expires_after(time); }
};

class TlsPeer final : public StreamPeer<Private> {
 public:
  using StreamPeer::StreamPeer;

  awaitable<Error> shake_hands(beast::flat_buffer& buffer) {
    Error error;
    buffer.consume(co_await stream_.async_handshake(asio::ssl::stream_base::server, buffer.data(),
                                                    asio::redirect_error(use_awaitable, error)));
    co_return error;
  }
  awaitable<Error> shake_hands(const std::string& host) {
    Error error;
    stream_.set_verify_callback(asio::ssl::host_name_verification(host), error);
    if (!error && SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str()) != 1)
      error = make_error_code(boost::system::errc::invalid_argument);
    if (error) co_return error;
    co_await stream_.async_handshake(asio::ssl::stream_base::client,
                                     asio::redirect_error(use_awaitable, error));
    co_return error;
  }
  awaitable<void> end() override {
    Error error;
    co_await stream_.async_shutdown(asio::redirect_error(use_awaitable, error));
  }
  void expires_after(std::chrono::milliseconds time) override { stream_.next_layer().expires_after(time); }
};

}  // namespace

std::unique_ptr<Peer> plain_peer(beast::tcp_stream stream) {
  return std::make_unique<PlainPeer>(std::move(stream));
}

awaitable<std::unique_ptr<Peer>> tls_peer(beast::tcp_stream stream, beast::flat_buffer& buffer,
                                          const net::TlsContext& tls) {
  SSL* connection = SSL_new(tls.get());
  if (connection == nullptr) co_return nullptr;
  auto peer = std::make_unique<TlsPeer>(Private(std::move(stream), connection));  // which owns it
  if (co_await peer->shake_hands(buffer)) co_return nullptr;
  co_return peer;
}

awaitable<std::unique_ptr<Peer>> tls_peer_of(beast::tcp_stream stream, std::string host,
                                             asio::ssl::context& tls, std::chrono::milliseconds time,
                                             Peer::Error& error) {
  auto peer = std::make_unique<TlsPeer>(Private(std::move(stream), tls));
  peer->expires_after(time);
  error = co_await peer->shake_hands(host);
  if (error) co_return nullptr;
  co_return peer;
}

}  // namespace forebay::http
