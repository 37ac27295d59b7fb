#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/settings.hpp"
#include "http/figures.hpp"
#include "http/post.hpp"
#include "monitor/samples.hpp"
#include "monitor/watched.hpp"

namespace forebay::http {

/// Sends all metrics by OTLP over HTTP every `otlp.interval`, where `otlp.url` says where. What cannot be
/// sent is dropped: the next ones hold it too, as counters are cumulative. A reload counts from the next time
/// on. Used by the thread of HTTP.
class OtlpExporter {
 public:
  /// `watched` and `watch` outlive this object.
  OtlpExporter(boost::asio::io_context& context, pgfront::Front& front, pgfront::Post here,
               monitor::Watched& watched, const AlertWatch& watch, std::string instance);

  /// Another process sends now.
  void stop();

 private:
  void wait();
  void collect();
  void send(const Figures& figures);
  boost::asio::awaitable<void> deliver(std::shared_ptr<const Destination> to, std::string body);
  void use_settings();

  boost::asio::io_context& context_;
  pgfront::Front& front_;
  const pgfront::Post here_;
  monitor::Watched& watched_;
  const AlertWatch& watch_;
  const std::string instance_;
  config::SettingsPtr settings_;
  std::shared_ptr<const Destination> to_;  ///< null: nowhere
  bool is_sending_ = false;
  bool is_failing_ = false;  ///< which has been logged
  const std::shared_ptr<void> alive_ = std::make_shared<char>();
  boost::asio::steady_timer timer_;
};

}  // namespace forebay::http
