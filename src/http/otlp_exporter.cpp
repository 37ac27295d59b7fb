#include "http/otlp_exporter.hpp"

#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "http/json.hpp"
#include "http/metrics.hpp"
#include "http/otlp_metrics.hpp"
#include "observe/log.hpp"
#include "observe/log_failure.hpp"

namespace forebay::http {

namespace {

/// How often it is looked whether there is somewhere to send to.
constexpr Duration kLook{5'000};
constexpr Duration kPatience{10'000};

}  // namespace

OtlpExporter::OtlpExporter(boost::asio::io_context& context, pgfront::Front& front, pgfront::Post here,
                           monitor::Watched& watched, const AlertWatch& watch, std::string instance)
    : context_(context),
      front_(front),
      here_(std::move(here)),
      watched_(watched),
      watch_(watch),
      instance_(std::move(instance)),
      timer_(context) {
  use_settings();
  wait();
}

void OtlpExporter::stop() {
  timer_.cancel();
  to_ = nullptr;
}

void OtlpExporter::use_settings() {
  const auto settings = front_.settings();
  if (settings == settings_) return;
  settings_ = settings;
  const config::Otlp& otlp = settings_->otlp;
  const std::string token = otlp.token.words.empty() ? "" : otlp.token.words.front();
  to_ = otlp.url.empty()
            ? nullptr
            : std::make_shared<const Destination>(destination_of(otlp.url, token, otlp.ca_file, kPatience));
}

void OtlpExporter::wait() {
  timer_.expires_after(to_ == nullptr ? kLook : settings_->otlp.interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    use_settings();
    if (to_ != nullptr && !is_sending_) collect();
    wait();
  });
}

void OtlpExporter::collect() {
  gather_figures({front_, alive_, here_, Clock::now()}, watch_, [this](const Figures& figures) {
    if (to_ != nullptr && !is_sending_) send(figures);
  });
}

void OtlpExporter::send(const Figures& figures) {
  OtlpMetrics metrics(instance_, figures.process.start_time, figures.time);
  write_metrics(metrics, figures, watched_);
  is_sending_ = true;
  boost::asio::co_spawn(context_, deliver(to_, json_text(metrics.take())),
                        [this](const std::exception_ptr& failure) {
                          if (failure != nullptr) is_sending_ = false;
                          observe::LogFailure{"metrics were not sent to otlp.url"}(failure);
                        });
}

/// The first failure is logged, and that it works again.
boost::asio::awaitable<void> OtlpExporter::deliver(std::shared_ptr<const Destination> to, std::string body) {
  const Posted posted = co_await post(context_, std::move(to), std::move(body));
  is_sending_ = false;
  if (posted.problem.empty()) {
    if (std::exchange(is_failing_, false)) observe::Event("metrics are sent again").info();
  } else if (!std::exchange(is_failing_, true)) {
    observe::Event("metrics cannot be sent to otlp.url").with("reason", posted.problem).warning();
  }
}

}  // namespace forebay::http
