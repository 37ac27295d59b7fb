#include "http/webhook.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "http/webhook_body.hpp"
#include "observe/log.hpp"
#include "observe/log_failure.hpp"

namespace forebay::http {

namespace {

namespace asio = boost::asio;
using std::chrono::seconds;
using ErrorOf = boost::system::error_code;

constexpr std::size_t kMostWaiting = 100;
constexpr seconds kFirstPause{1};
constexpr seconds kLongestPause{60};
/// After so long a delivery is given up: by then it is no news.
constexpr std::chrono::minutes kLongestTry{10};

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
  const std::string token = settings.token.words.empty() ? "" : settings.token.words.front();
  auto receiver = destination_of(settings.url, token, settings.ca_file, settings.timeout);
  if (format_ == config::WebhookFormat::alertmanager) {
    std::string path = receiver.target.substr(0, receiver.target.find('?'));
    const std::string query = receiver.target.substr(path.size());
    while (path.ends_with('/')) path.pop_back();
    receiver.target = path + "/api/v2/alerts" + query;
  }
  receiver_ = std::make_shared<const Destination>(std::move(receiver));
  pause_.cancel();
}

void Webhook::send(const std::vector<alert::Change>& changes, double now) {
  if (receiver_ == nullptr || changes.empty()) return;
  queue({.changes = changes, .active = {}, .time = now, .queued = Clock::now()});
}

void Webhook::repeat(const std::vector<alert::Alert>& active, double now) {
  if (receiver_ == nullptr || format_ != config::WebhookFormat::alertmanager || !waiting_.empty()) return;
  queue({.changes = {}, .active = active, .time = now, .queued = Clock::now()});
}

std::string Webhook::body_of(const Delivery& delivery) const {
  const bool is_for_alertmanager = format_ == config::WebhookFormat::alertmanager;
  if (delivery.changes.empty())
    return is_for_alertmanager ? alertmanager_body(instance_, delivery.active, delivery.time) : std::string();
  return is_for_alertmanager ? alertmanager_body(instance_, delivery.changes, delivery.time)
                             : changes_body(instance_, delivery.changes);
}

void Webhook::queue(Delivery delivery) {
  waiting_.push_back(std::move(delivery));
  if (waiting_.size() > kMostWaiting) {
    waiting_.pop_front();
    ++figures_.dropped;
  }
  if (std::exchange(is_running_, true)) return;
  asio::co_spawn(context_, run(), [this](const std::exception_ptr& failure) {
    if (failure != nullptr) is_running_ = false;
    observe::LogFailure{"alerts are not delivered until there is another"}(failure);
  });
}

asio::awaitable<void> Webhook::run() {
  seconds pause = kFirstPause;
  while (!waiting_.empty() && receiver_ != nullptr) {
    const Delivery delivery = waiting_.front();
    std::string body = body_of(delivery);
    if (body.empty()) {
      waiting_.pop_front();
      continue;
    }
    const Outcome outcome = co_await attempt(receiver_, std::move(body));
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
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    pause = std::min(pause * 2, kLongestPause);
  }
  is_running_ = false;
}

asio::awaitable<Webhook::Outcome> Webhook::attempt(std::shared_ptr<const Destination> receiver,
                                                   std::string body) {
  const Posted posted = co_await post(context_, std::move(receiver), std::move(body));
  why_ = posted.problem;
  if (why_.empty()) co_return Outcome::sent;
  const bool is_refused = posted.status / 100 == 4 && posted.status != 408 && posted.status != 429;
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
