#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "alert/board.hpp"
#include "config/settings.hpp"
#include "http/post.hpp"

namespace forebay::http {

struct WebhookFigures {
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;   ///< attempts
  std::uint64_t dropped = 0;  ///< deliveries that were given up
};

/// Sends alerts to one address by HTTP or HTTPS, one delivery after the other. What cannot be delivered is
/// tried again, later and later, for ten minutes; what a receiver refuses (4xx) is not. At most 100 wait. It
/// never waits for anybody itself: the thread of HTTP goes on meanwhile. Used by that thread.
class Webhook {
 public:
  /// `instance`: how receivers know this Forebay from others, HOST:PORT.
  Webhook(boost::asio::io_context& context, std::string instance);
  ~Webhook();

  /// From the next attempt on, which is made at once.
  void use(const config::Webhook& settings);
  /// What has happened.
  void send(const std::vector<alert::Change>& changes, double now);
  /// To Alertmanager, which forgets alerts that it does not hear of again within some minutes.
  void repeat(const std::vector<alert::Alert>& active, double now);
  const WebhookFigures& figures() const { return figures_; }

 private:
  /// Written when it is sent: by then the receiver may be another, and want another format.
  struct Delivery {
    std::vector<alert::Change> changes;  ///< what has happened; none: what is active is told again
    std::vector<alert::Alert> active;
    double time = 0;  ///< in seconds since 1970
    TimePoint queued;
  };
  enum class Outcome : std::uint8_t { sent, failed, refused };

  /// Empty: the receiver has no use for it.
  std::string body_of(const Delivery& delivery) const;
  void queue(Delivery delivery);
  boost::asio::awaitable<void> run();
  boost::asio::awaitable<Outcome> attempt(std::shared_ptr<const Destination> receiver, std::string body);
  void note(Outcome outcome);

  boost::asio::io_context& context_;
  const std::string instance_;
  std::shared_ptr<const Destination> receiver_;  ///< null: nobody
  config::WebhookFormat format_{};
  std::deque<Delivery> waiting_;
  WebhookFigures figures_;
  bool is_running_ = false;
  bool is_failing_ = false;  ///< which has been logged
  std::string why_;          ///< the last attempt failed
  boost::asio::steady_timer pause_;
};

}  // namespace forebay::http
