#include "pgfront/console_service.hpp"

#include <algorithm>
#include <numeric>

#include "observe/log.hpp"
#include "pgfront/console_gather.hpp"

namespace forebay::pgfront {

namespace {

constexpr Duration kLookInterval{100};

/// Those that are logging in count, consoles do not.
std::size_t count_clients_here(Worker& worker) {
  const auto clients = worker.clients();
  return static_cast<std::size_t>(
      std::ranges::count_if(clients, [](const Client* client) { return client->console() == nullptr; }));
}

void log_reload(const Result<std::vector<std::string>>& result) {
  if (result) {
    observe::Event("configuration reloaded").info();
  } else {
    observe::Event("configuration not reloaded, the old one stays in use")
        .with("reason", result.error().text)
        .error();
  }
}

}  // namespace

ConsoleService::ConsoleService(Front& front, net::Loop& loop)
    : front_(front),
      loop_(loop),
      sampler_(front.started_at()),
      sample_timer_([this] { sample(); }),
      clients_timer_([this] { look_for_clients(); }) {
  loop_.post([this] { sample_timer_.start(loop_, StatsSampler::kPeriod); });
}

void ConsoleService::sample() {
  sampler_.sample(Clock::now(), front_.directory().traffic());
  sample_timer_.start(loop_, StatsSampler::kPeriod);
}

void ConsoleService::reload(Reloaded reloaded) {
  in_background<Result<std::vector<std::string>>>(
      [this] { return front_.reload(); },
      [reloaded = std::move(reloaded)](const Result<std::vector<std::string>>& result) {
        log_reload(result);
        reloaded(result);
      });
}

void ConsoleService::change_settings(
    std::function<Result<config::SettingsPtr>(const config::Settings& present)> change, Changed changed) {
  in_background<Result<void>>(
      [this, change = std::move(change)]() -> Result<void> {
        auto settings = change(*front_.settings());
        if (!settings) return settings.error();
        return front_.configure(std::move(*settings));
      },
      std::move(changed));
}

template <class Outcome>
void ConsoleService::in_background(std::function<Outcome()> work, std::function<void(const Outcome&)> done) {
  net::Loop* asking = net::Loop::current();
  background_.run([work = std::move(work), done = std::move(done), asking]() mutable {
    auto outcome = std::make_shared<Outcome>(work());
    asking->post([done = std::move(done), outcome] { done(*outcome); });
  });
}

void ConsoleService::shut_down_without_clients() {
  for (Worker* worker : front_.workers()) worker->stop_listening(Backlog::accepted);
  loop_.post([this] { look_for_clients(); });
}

void ConsoleService::look_for_clients() {
  if (front_.is_draining()) return;
  gather(front_, alive_, count_clients_here, [this](const std::vector<std::size_t>& threads) {
    if (std::accumulate(threads.begin(), threads.end(), std::size_t{0}) > 0) {
      return clients_timer_.start(loop_, kLookInterval);
    }
    observe::Event("stopping: the last client has left").info();
    front_.shut_down(Duration(0));
  });
}

}  // namespace forebay::pgfront
