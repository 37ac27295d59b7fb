#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/system/error_code.hpp>

#include "net/tls.hpp"

namespace forebay::http {

/// Whoever is at the other end of a connection, with TLS or without. For one coroutine at a time.
///
/// Not a template over the two streams: what is read and written by coroutines takes the compiler long.
class Peer {
 public:
  using Error = boost::system::error_code;

  virtual ~Peer() = default;

  /// Waits for bytes and puts them behind those of `buffer`, which has room for more.
  virtual boost::asio::awaitable<Error> read_some(boost::beast::flat_buffer& buffer) = 0;
  /// All of both, which stay where they are until then.
  virtual boost::asio::awaitable<Error> write(std::array<boost::asio::const_buffer, 2> bytes) = 0;
  /// Says good-bye, where TLS has a word for it.
  virtual boost::asio::awaitable<void> end() = 0;
  /// From now: what is begun and not done by then ends with an error.
  virtual void expires_after(std::chrono::milliseconds time) = 0;
};

std::unique_ptr<Peer> plain_peer(boost::beast::tcp_stream stream);

/// After the handshake, of which `buffer` has the beginning; null when there was none.
boost::asio::awaitable<std::unique_ptr<Peer>> tls_peer(boost::beast::tcp_stream stream,
                                                       boost::beast::flat_buffer& buffer,
                                                       const net::TlsContext& tls);

/// As a client of `host`, whose certificate has to be for that name and signed by whom `tls` trusts. Null,
/// and `error` says why, when there was no handshake by then.
boost::asio::awaitable<std::unique_ptr<Peer>> tls_peer_of(boost::beast::tcp_stream stream, std::string host,
                                                          boost::asio::ssl::context& tls,
                                                          std::chrono::milliseconds time, Peer::Error& error);

}  // namespace forebay::http
