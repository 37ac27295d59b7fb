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

}  // namespace

/// The upstream, or the replica that has taken its place.
config::Upstream PoolDirectory::primary_upstream(const config::Settings& settings) const {
  const std::lock_guard lock(mutex_);
  for (const config::Upstream& server : servers_of(settings)) {
    if (server_name(server) == primary_) return server;
  }
  return settings.upstream;
}

/// The server that writes go to.
std::string PoolDirectory::primary_locked() const {
  return primary_.empty() ? server_name(settings_->upstream) : primary_;
}

void PoolDirectory::watch_servers(const config::SettingsPtr& settings) {
  const bool is_led = this->is_led();
  const bool is_asked_about = !settings->http.listen.empty() && !settings->upstream.user.empty();
  const route::History history = board_.topology()->history;
  if (!is_led) hold_primary(false);
  if (!is_led && !is_asked_about) {
    board_.publish(std::make_shared<const route::Topology>(route::Topology{.history = history}));
    return;
  }
  watch_ = std::make_unique<ServerWatch>(
      settings, ++watch_generation_, board_, history,
      [this, is_led](const route::Topology& topology, const std::vector<RollCall::Change>& changes,
                     const ServerWatch::Targets& targets) {
        // Of a server that always was the only one people and programs are told; nothing else depends on what
        // it says.
        is_led ? on_topology(topology, changes, targets) : note_changes(topology, changes);
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

std::map<std::string, std::shared_ptr<const Target>> PoolDirectory::server_targets() const {
  const std::lock_guard lock(mutex_);
  if (is_led_) return server_targets_;
  const auto only = targets_.find("");
  if (only == targets_.end()) return {};
  return {{only->second->name(), only->second}};
}

bool PoolDirectory::is_led() const {
  const std::lock_guard lock(mutex_);
  return is_led_;
}

bool PoolDirectory::is_primary_held() const {
  const std::lock_guard lock(mutex_);
  return is_primary_held_;
}

/// By the watch's thread.
void PoolDirectory::on_topology(const route::Topology& topology, const std::vector<RollCall::Change>& changes,
                                const ServerWatch::Targets& targets) {
  note_changes(topology, changes);
  const bool holds = holds_primary(topology);
  if (holds) hold_primary(true);
  for (std::size_t at = 0; at < targets.size(); ++at) {
    if (targets[at] != nullptr) place_server(topology.servers[at].name, targets[at]);
  }
  for (const RollCall::Change& change : changes) {
    const bool is_back = change.now == State::up && topology.primary == change.server;
    if (change.is_new_primary || is_back) lead(topology.servers[change.server].name, change.is_promoted);
  }
  if (!holds) hold_primary(false);
  for (const RollCall::Change& change : changes) {
    const route::Server& server = topology.servers[change.server];
    if (change.now == State::down || change.now == State::refused) sever(server, true);
    // A primary that only does not answer may still do what it was asked to; but not when its name has come
    // to mean another address, and what is there is no primary.
    const bool was_left =
        topology.primary == change.server && change.before == State::unknown && change.now != State::up;
    if (change.now == State::refused || was_left) sever(server, false);
  }
}

/// Whether it must not be written to anything, for nobody knows where: at the start, until all have been
/// heard of; when the primary has been replaced by a server that is not known, is a replica now, or has moved
/// and has not answered yet.
bool PoolDirectory::holds_primary(const route::Topology& topology) const {
  if (topology.primary) {
    const route::Server& primary = topology.servers[*topology.primary];
    // What comes up there may be something else than what went: whoever was held back waits for its answer.
    if (primary.state == State::down) return is_primary_held();
    return primary.state == State::refused || primary.state == State::unknown ||
           primary.role == route::Role::replica;
  }
  const std::lock_guard lock(mutex_);
  const bool has_history = topology.history.system != 0;
  const auto is_unknown = [&](const route::Server& server) {
    const bool may_come_back = has_history && server.state == State::down && server.name == primary_locked();
    return server.state == State::unknown || may_come_back;
  };
  if (std::ranges::any_of(topology.servers, is_unknown)) return is_primary_held_;
  return std::ranges::any_of(topology.servers, [this](const route::Server& server) {
    return server.name == primary_locked() && server.state == State::refused;
  });
}

/// What is borrowed from there is opened at these addresses from now on.
void PoolDirectory::place_server(const std::string& server, const std::shared_ptr<const Target>& target) {
  std::map<PoolKey, std::shared_ptr<Pool>> pools;
  bool is_primary = false;
  {
    const std::lock_guard lock(mutex_);
    auto& known = server_targets_[server];
    if (known == target) return;
    known = target;
    pools = pools_;
    is_primary = server == primary_locked();
  }
  for (const auto& [key, pool] : pools) {
    if (key.server != server) continue;
    const auto before = pool->target();
    pool->set_target(target->for_database(before->upstream().database));
    if (target->place() != before->place()) pool->reconnect();
  }
  if (is_primary) move_primary(server, Severs::nobody);
}

void PoolDirectory::lead(const std::string& server, bool is_promoted) {
  {
    const std::lock_guard lock(mutex_);
    primary_ = server;
  }
  move_primary(server, is_promoted ? Severs::all : Severs::elsewhere);
}

void PoolDirectory::move_primary(const std::string& server, Severs severs) {
  const std::lock_guard one_at_a_time(configuring_);
  const std::lock_guard lock(mutex_);
  const auto& place = server_targets_.at(server);
  for (auto& [database, target] : targets_) {
    if (database.empty() || is_on_cluster(*settings_, database))
      target = place->for_database(target->upstream().database);
  }
  move_pools_locked(*settings_, severs);
}

/// Nothing comes back from there any more, or must: from pools for reads, or from those of the primary.
void PoolDirectory::sever(const route::Server& server, bool is_for_reads) {
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
    const bool is_there = is_for_reads ? key.server == server.name
                                       : key.server.empty() && is_on_cluster(*settings, key) &&
                                             pool->target()->name() == server.name;
    if (is_there) pool->sever(why);
  }
}

void PoolDirectory::hold_primary(bool holds) {
  const std::lock_guard lock(mutex_);
  hold_primary_locked(holds);
}

void PoolDirectory::hold_primary_locked(bool holds) {
  if (is_primary_held_ == holds) return;
  is_primary_held_ = holds;
  for (const auto& [key, pool] : pools_) {
    pool->set_held(is_held_locked(key));
    if (is_paused_locked(key) == pool->is_paused()) continue;
    holds ? pool->pause() : pool->resume();
  }
}

}  // namespace forebay::backend
