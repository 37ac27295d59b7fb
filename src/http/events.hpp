#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/intrusive_list.hpp"
#include "http/figures.hpp"

namespace forebay::http {

struct ReaderTag;

/// Somebody who reads events: the latest waits for him, older ones that he was too slow for are dropped.
class Reader : public ListHook<ReaderTag> {
 public:
  explicit Reader(boost::asio::io_context& context) : arrived(context) {}

  std::shared_ptr<const std::string> latest;  ///< null: he has got it
  boost::asio::steady_timer arrived;          ///< cancelled when there is another
};

/// The event `overview`, once a second while anybody reads; made once for all. Used by the thread of HTTP.
class Events {
 public:
  /// More are turned away: each holds a connection.
  static constexpr std::size_t kMostReaders = 16;

  /// Until he goes; false when there are too many.
  bool add(Reader& reader);
  void remove(Reader& reader);
  /// Once a second.
  void publish(const Figures& figures);

 private:
  IntrusiveList<Reader, ReaderTag> readers_;
  std::size_t count_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace forebay::http
