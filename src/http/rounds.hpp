#pragma once

#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "http/figures.hpp"

namespace forebay::http {

/// Gathers all figures once a second, whether anybody looks or not, for everybody who wants them each second.
/// In the middle of each second, so that each has one point in the history and none has two. Used by the
/// thread of HTTP.
class Rounds {
 public:
  /// `figures` are those of `now`, and nobody else's: whoever comes first may add what comes of them.
  using Take = std::function<void(Figures& figures, TimePoint now)>;

  Rounds(boost::asio::io_context& context, pgfront::Front& front, pgfront::Post here, const AlertWatch& watch,
         Take take);

 private:
  void wait();
  void gather();

  pgfront::Front& front_;
  const pgfront::Post here_;
  const AlertWatch& watch_;
  const Take take_;
  const std::shared_ptr<void> alive_ = std::make_shared<char>();
  boost::asio::steady_timer timer_;
};

}  // namespace forebay::http
