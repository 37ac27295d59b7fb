// The servers that pools are on: which is the primary, and what happens to pools when that changes.

#include <algorithm>

#include <fmt/format.h>

#include "backend/pool_directory.hpp"
#include "observe/log.hpp"

namespace forebay::backend {

namespace {

using route::RollCall;
using route::State;

void log_change(const route::Topology& topology, const RollCall::Change& change) {
  observe::Event event(change.is_new_primary ? "a server is the primary now"
                                             : fmt::format("a server is {}", route::to_text(change.now)));
  event.with("server", topology.servers[change.server].name)
      .with("role", route::to_text(change.role))
      .with("before", route::to_text(change.before))
      .with("why", change.reason);
  const bool is_good = change.now == State::up;
  const bool is_start = change.before == State::unknown && change.now == State::lagging;
  if (change.now == State::refused) return event.error();
  is_good || is_start ? event.info() : event.warning();
}

/// Whether it must not be written to anything, for nobody knows where: at the start, until all have been
/// heard of; when the primary has been replaced by a server that is not known; and when it is a replica now.
bool holds_primary(const route::Topology& topology, bool is_start) {
  if (topology.primary) {
    const route::Server& primary = topology.servers[*topology.primary];
    return primary.state == State::refused || primary.role == route::Role::replica;
  }
  return is_start && std::ranges::any_of(topology.servers, [](const route::Server& server) {
           return server.state == State::unknown;
         });
}

}  // namespace

/// The upstream, or the replica that has taken its place.
config::Upstream PoolDirectory::primary_upstream(const config::Settings& settings) const {
  const std::lock_guard lock(mutex_);
  for (const config::Upstream& server : servers_of(settings)) {
    if (server_name(server) == primary_) return server;
  }
  return settings.upstream;
}

void PoolDirectory::watch_servers(const config::SettingsPtr& settings) {
  const bool has_choice = !settings->replicas.empty();
  const bool is_asked_about = !settings->http.listen.empty() && !settings->upstream.user.empty();
  bool is_known = false;
  {
    const std::lock_guard lock(mutex_);
    is_known = !primary_.empty();
  }
  if (!has_choice) {
    hold_primary(false);
    if (!is_asked_about) return board_.publish(std::make_shared<const route::Topology>());
    // Nothing depends on what comes of it but what people and programs are told of the only server.
    watch_ = std::make_unique<ServerWatch>(
        settings, ++watch_generation_, board_,
        [this](const route::Topology& topology, const std::vector<RollCall::Change>& changes) {
          note_changes(topology, changes);
        });
    return;
  }
  if (!is_known) hold_primary(true);
  watch_ = std::make_unique<ServerWatch>(
      settings, ++watch_generation_, board_,
      [this](const route::Topology& topology, const std::vector<RollCall::Change>& changes) {
        on_topology(topology, changes);
      });
}

void PoolDirectory::note_changes(const route::Topology& topology,
                                 const std::vector<RollCall::Change>& changes) {
  for (const RollCall::Change& change : changes) log_change(topology, change);
  const std::lock_guard lock(mutex_);
  for (const RollCall::Change& change : changes) {
    Past& past = pasts_[topology.servers[change.server].name];
    if (change.now != change.before) ++past.history.states[static_cast<std::size_t>(change.now)];
    if (std::exchange(past.role, change.role) != change.role)
      ++past.history.roles[static_cast<std::size_t>(change.role)];
    if (change.is_new_primary) ++past.history.promotions;
  }
}

std::map<std::string, ServerHistory> PoolDirectory::history_by_server() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, ServerHistory> histories;
  for (const auto& [server, past] : pasts_) histories[server] = past.history;
  return histories;
}

bool PoolDirectory::is_primary_held() const {
  const std::lock_guard lock(mutex_);
  return is_primary_held_;
}

/// By the watch's thread.
void PoolDirectory::on_topology(const route::Topology& topology,
                                const std::vector<RollCall::Change>& changes) {
  note_changes(topology, changes);
  for (const RollCall::Change& change : changes) {
    if (change.now == State::up) meet_server(change.server);
  }
  bool is_led = true;
  bool is_start = false;
  {
    const std::lock_guard lock(mutex_);
    is_start = primary_.empty();
  }
  for (const RollCall::Change& change : changes) {
    const bool is_back = change.now == State::up && topology.primary == change.server;
    if (change.is_new_primary || is_back) is_led = lead(topology.servers[change.server].name);
  }
  hold_primary(!is_led || holds_primary(topology, is_start));
  for (const RollCall::Change& change : changes) {
    if (change.now == State::down || change.now == State::refused)
      leave_server(topology.servers[change.server]);
  }
}

/// It can be reached, so its name means something; perhaps something else than before.
void PoolDirectory::meet_server(std::size_t index) {
  const config::SettingsPtr settings = this->settings();
  const config::Upstream server = servers_of(*settings)[index];
  auto target = Target::make(server);
  if (!target) return;
  const std::string name = server_name(server);
  std::map<PoolKey, std::shared_ptr<Pool>> pools;
  {
    const std::lock_guard lock(mutex_);
    server_targets_[name] = *target;
    pools = pools_;
  }
  for (const auto& [key, pool] : pools) {
    if (key.server == name) pool->set_target((*target)->for_database(pool->target()->upstream().database));
  }
}

/// Nothing comes back from there any more, or must. A primary that only does not answer may still do what it
/// was asked to.
void PoolDirectory::leave_server(const route::Server& server) {
  const std::string why =
      fmt::format("server {} is {}: {}", server.name, route::to_text(server.state), server.reason);
  std::map<PoolKey, std::shared_ptr<Pool>> pools;
  config::SettingsPtr settings;
  {
    const std::lock_guard lock(mutex_);
    pools = pools_;
    settings = settings_;
  }
  for (const auto& [key, pool] : pools) {
    const bool is_written_to = key.server.empty() && server.state == State::refused &&
                               is_on_cluster(*settings, key.database) &&
                               pool->target()->name() == server.name;
    if (key.server == server.name || is_written_to) pool->sever(why);
  }
}

/// Its name has just been looked up by meet_server(). False when that has failed.
bool PoolDirectory::lead(const std::string& server) {
  const std::lock_guard one_at_a_time(configuring_);
  config::SettingsPtr settings;
  {
    const std::lock_guard lock(mutex_);
    settings = settings_;
    const auto at = server_targets_.find(server);
    if (at == server_targets_.end()) return false;
    primary_ = server;
    for (auto& [database, target] : targets_) {
      if (database.empty() || is_on_cluster(*settings, database))
        target = at->second->for_database(target->upstream().database);
    }
  }
  move_pools(*settings, true);
  return true;
}

void PoolDirectory::hold_primary(bool holds) {
  const std::lock_guard lock(mutex_);
  if (is_primary_held_ == holds) return;
  is_primary_held_ = holds;
  for (const auto& [key, pool] : pools_) {
    if (is_paused_locked(key) == pool->is_paused()) continue;
    holds ? pool->pause() : pool->resume();
  }
}

}  // namespace forebay::backend
