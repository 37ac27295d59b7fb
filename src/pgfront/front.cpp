#include "pgfront/front.hpp"

#include <openssl/rand.h>

#include "config/options.hpp"
#include "observe/log.hpp"
#include "pgfront/console_service.hpp"
#include "pgfront/worker.hpp"

namespace forebay::pgfront {

namespace {

/// Longer than anybody waits, and no problem for any clock.
constexpr Duration kForever = std::chrono::hours(24 * 366);

void set_log_level(config::LogLevel level) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  spdlog::set_level(kLevels[static_cast<std::size_t>(level)]);
}

Result<std::shared_ptr<const wire::SecretList>> read_user_list(const std::string& file) {
  if (file.empty()) return std::shared_ptr<const wire::SecretList>();
  auto list = wire::read_user_list(file);
  if (!list) return list.error();
  return std::make_shared<const wire::SecretList>(std::move(*list));
}

}  // namespace

wire::ErrorMessage administrator_command() {
  return {wire::Severity::fatal,
          std::string(wire::sqlstate::kAdminShutdown),
          "terminating connection due to administrator command",
          {},
          {}};
}

Front::Front(std::vector<net::Loop*> loops, Reload reload)
    : reload_(std::move(reload)),
      directory_(loops, std::make_shared<const config::Settings>()),
      console_service_(std::make_unique<ConsoleService>(*this, *loops.front())) {
  RAND_bytes(reinterpret_cast<unsigned char*>(scram_secret_.data()), static_cast<int>(wire::ScramKey::kSize));
}

Front::~Front() = default;

Result<void> Front::configure(config::SettingsPtr settings) {
  const std::lock_guard one_at_a_time(configuring_);
  auto tls = net::make_client_facing(settings->tls);
  if (!tls) return tls.error();
  auto user_list = read_user_list(settings->auth_file);
  if (!user_list) return user_list.error();
  if (auto configured = directory_.configure(settings); !configured) return configured.error();
  caches_.configure(settings);
  set_log_level(settings->log_level);
  const std::lock_guard lock(mutex_);
  tls_ = *tls ? std::make_shared<const net::TlsContext>(std::move(*tls)) : nullptr;
  user_list_ = *user_list;
  for (Worker* worker : workers_) worker->on_configured(user_list_, settings->statements);
  return {};
}

Result<std::vector<std::string>> Front::reload() {
  const auto wanted = reload_();
  if (!wanted) return wanted.error();
  const auto running = settings();
  auto usable = std::make_shared<const config::Settings>(config::until_restart(*running, **wanted));
  if (auto configured = configure(std::move(usable)); !configured) return configured.error();
  auto waiting = config::restart_needed(*running, **wanted);
  for (const std::string& key : waiting) {
    observe::Event("a changed setting needs a restart").with("setting", key).warning();
  }
  return waiting;
}

std::shared_ptr<const net::TlsContext> Front::tls() const {
  const std::lock_guard lock(mutex_);
  return tls_;
}

std::shared_ptr<const wire::SecretList> Front::user_list() const {
  const std::lock_guard lock(mutex_);
  return user_list_;
}

void Front::add_worker(Worker& worker) {
  workers_.push_back(&worker);
}

void Front::close_listeners() {
  closed_.store(true);
  if (close_listeners_) directory_.loop(0).post(close_listeners_);
}

void Front::shut_down(Duration patience) {
  closed_.store(true);
  draining_.store(true);
  for (Worker* worker : workers_) worker->shut_down(patience);
}

void Front::shut_down_in_order() {
  const Duration patience = settings()->timeouts.shutdown;
  shut_down(patience.count() == 0 ? kForever : patience);
}

bool Front::try_enter() {
  const std::uint32_t limit = settings()->limits.max_clients;
  if (clients_.fetch_add(1) < limit || limit == 0) return true;
  clients_.fetch_sub(1);
  return false;
}

}  // namespace forebay::pgfront
