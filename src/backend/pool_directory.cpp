#include "backend/pool_directory.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "backend/other_databases.hpp"

namespace forebay::backend {

namespace {

template <class T>
void take(T& into, const std::optional<T>& value) {
  if (value) into = *value;
}

std::string milliseconds(Duration duration) {
  return std::to_string(duration.count());
}

std::uint32_t limit_or_unlimited(std::uint32_t configured) {
  return configured == 0 ? Quota::kUnlimited : configured;
}

const config::User* user_entry(const config::Settings& settings, const std::string& user) {
  const auto at = settings.users.find(user);
  return at == settings.users.end() ? nullptr : &at->second;
}

struct SessionTimes {
  Duration statement;
  Duration idle_in_transaction;
};

void apply(PoolRules& rules, SessionTimes& times, const config::PoolOverride& over) {
  take(rules.mode, over.pool_mode);
  take(rules.size, over.pool_size);
  take(rules.overflow, over.pool_overflow);
  take(rules.min_size, over.pool_min_size);
  take(rules.reserve, over.reserve_size);
  take(rules.command, over.command);
  take(times.statement, over.statement);
  take(times.idle_in_transaction, over.idle_in_transaction);
}

thread_local const PoolDirectory* indexed_for = nullptr;
thread_local std::uint16_t thread_index = 0;

}  // namespace

PoolDirectory::PoolDirectory(std::vector<net::Loop*> loops, config::SettingsPtr settings)
    : loops_(std::move(loops)), settings_(std::move(settings)) {}

PoolDirectory::~PoolDirectory() = default;

std::uint16_t PoolDirectory::this_thread() const {
  if (indexed_for == this) return thread_index;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    if (loops_[i] != net::Loop::current()) continue;
    indexed_for = this;
    thread_index = static_cast<std::uint16_t>(i);
    break;
  }
  return thread_index;
}

void PoolDirectory::on_each_thread(const std::function<void()>& task) {
  for (net::Loop* loop : loops_) loop->post(task);
}

config::SettingsPtr PoolDirectory::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

Result<PoolDirectory::Targets> PoolDirectory::make_targets(const config::Settings& settings,
                                                           const config::Upstream& primary) {
  Targets targets;
  const auto add = [&](const std::string& name, const config::Upstream& upstream) -> Result<void> {
    auto target = Target::make(upstream);
    if (!target) {
      return Error{target.error().code, name.empty()
                                            ? "upstream: " + target.error().text
                                            : fmt::format("database \"{}\": {}", name, target.error().text)};
    }
    targets[name] = std::move(*target);
    return {};
  };
  if (auto added = add("", primary); !added) return added.error();
  for (const auto& [name, database] : settings.databases) {
    if (!database.upstream && database.server_database.empty()) continue;
    config::Upstream upstream = database.upstream.value_or(primary);
    if (!database.server_database.empty()) upstream.database = database.server_database;
    if (auto added = add(name, upstream); !added) return added.error();
  }
  return targets;
}

Result<void> PoolDirectory::configure(config::SettingsPtr settings) {
  // Its thread may be waiting for what is locked below.
  watch_.reset();
  {
    const std::lock_guard one_at_a_time(configuring_);
    auto targets = make_targets(*settings, primary_upstream(*settings));
    if (!targets) {
      watch_servers(this->settings());
      return targets.error();
    }
    // Under one lock: nobody who has proved himself to the new server may find a pool on the old one.
    const std::lock_guard lock(mutex_);
    targets_ = std::move(*targets);
    settings_ = settings;
    set_quota_limits(*settings);
    is_led_ = !settings->replicas.empty() || (is_led_ && !settings->upstream.user.empty());
    const auto servers = servers_of(*settings);
    if (std::ranges::find(servers, primary_, server_name) == servers.end()) primary_.clear();
    const auto before = server_targets_.find(primary_);
    const bool is_known =
        before != server_targets_.end() && before->second->place() == targets_.at("")->place();
    if (is_led_ && !is_known) hold_primary_locked(true);
    move_pools_locked(*settings, Severs::nobody);
  }
  watch_servers(settings);
  return {};
}

/// Gives all pools the servers and limits that they have now.
void PoolDirectory::move_pools_locked(const config::Settings& settings, Severs severs) {
  for (auto& [key, pool] : pools_) {
    // A database that is listed no more keeps its server until its clients have gone.
    auto found = target_for(settings, key);
    auto target = found ? *found : pool->target();
    const auto before = pool->target();
    const bool is_elsewhere = target->name() != before->name();
    const bool has_moved =
        target->place() != before->place() || target->upstream().database != before->upstream().database;
    if (is_elsewhere) book_assignments_locked(*pool);
    pool->configure(std::move(target), std::make_shared<const PoolRules>(rules_for(settings, key)));
    const bool leaves_primary = key.server.empty() && is_on_cluster(settings, key);
    if ((severs == Severs::all && leaves_primary) || (severs == Severs::elsewhere && is_elsewhere)) {
      pool->sever(fmt::format("{} is not the primary any more", before->name()));
    } else if (has_moved) {
      pool->reconnect();
    }
  }
}

void PoolDirectory::set_quota_limits(const config::Settings& settings) {
  const config::Limits& limits = settings.limits;
  const auto set = [](Quotas& quotas, const config::PoolOverride* over, std::uint32_t backends,
                      std::uint32_t clients) {
    if (over != nullptr) {
      take(backends, over->max_backends);
      take(clients, over->max_clients);
    }
    quotas.backends.set_limit(limit_or_unlimited(backends));
    quotas.clients.set_limit(limit_or_unlimited(clients));
  };
  for (auto& [name, quotas] : user_quotas_) {
    const config::User* entry = user_entry(settings, name);
    set(*quotas, entry == nullptr ? nullptr : &entry->pool, limits.max_backends_per_user,
        limits.max_clients_per_user);
  }
  for (auto& [name, quotas] : database_quotas_) {
    const config::Database* entry = config::database_entry(settings, name);
    set(*quotas, entry == nullptr ? nullptr : &entry->pool, limits.max_backends_per_database,
        limits.max_clients_per_database);
  }
}

Result<std::shared_ptr<const Target>> PoolDirectory::target_for(const config::Settings& settings,
                                                                const std::string& database) const {
  const auto& listed = settings.databases;
  if (!listed.empty() && !listed.contains(database) && !listed.contains("*")) {
    return Error{ErrorCode::unavailable, fmt::format("database \"{}\" does not exist", database)};
  }
  for (const std::string& name : {database, std::string("*"), std::string()}) {
    if (name == "*" && settings.databases.contains(database)) continue;
    if (const auto at = targets_.find(name); at != targets_.end()) return at->second;
  }
  return Error{ErrorCode::unavailable, fmt::format("no server is configured for database \"{}\"", database)};
}

bool PoolDirectory::is_on_cluster(const config::Settings& settings, const PoolKey& key) {
  return key.roles_of ? key.roles_of->empty() : is_on_cluster(settings, key.database);
}

/// Whether it lives where the upstream and the replicas are.
bool PoolDirectory::is_on_cluster(const config::Settings& settings, const std::string& database) {
  return config::upstream_entry(settings, database).empty();
}

/// The same database on the server that the key names.
Result<std::shared_ptr<const Target>> PoolDirectory::target_for(const config::Settings& settings,
                                                                const PoolKey& key) const {
  if (key.roles_of) {
    const auto at = targets_.find(*key.roles_of);
    if (at != targets_.end()) return at->second->for_database(key.database);
    return Error{ErrorCode::unavailable,
                 fmt::format("database \"{}\" has no server of its own", *key.roles_of)};
  }
  auto on_primary = target_for(settings, key.database);
  if (key.server.empty() || !on_primary) return on_primary;
  const auto at = server_targets_.find(key.server);
  if (at != server_targets_.end()) return at->second->for_database((*on_primary)->upstream().database);
  return Error{ErrorCode::unavailable, fmt::format("server {} is not known", key.server)};
}

PoolRules PoolDirectory::rules_for(const config::Settings& settings, const PoolKey& key) const {
  const config::Limits& limits = settings.limits;
  const config::Timeouts& timeouts = settings.timeouts;
  const std::string& user = key.user;
  const auto* listed = config::database_entry(settings, key.entry());
  PoolRules rules{.mode = settings.pool_mode,
                  .has_replicas = !settings.replicas.empty() && is_on_cluster(settings, key),
                  .reads_from_primary = std::ranges::find(settings.routing.primary_users, user) !=
                                        settings.routing.primary_users.end(),
                  .size = limits.pool_size,
                  .overflow = limits.pool_overflow,
                  .reserve = limits.reserve_size,
                  .min_size = limits.pool_min_size,
                  .max_prepared_statements = limits.max_prepared_statements,
                  .wait = timeouts.wait,
                  .reserve_after = timeouts.reserve_after,
                  .recycle = timeouts.recycle,
                  .test_after = timeouts.test_after,
                  .connect = timeouts.connect,
                  .backend_idle = timeouts.backend_idle,
                  .command = timeouts.command,
                  .session_defaults = {}};
  SessionTimes times{timeouts.statement, timeouts.idle_in_transaction};
  if (listed != nullptr) apply(rules, times, listed->pool);
  if (const auto* entry = user_entry(settings, user)) apply(rules, times, entry->pool);
  if (times.statement.count() > 0) {
    rules.session_defaults.emplace_back("statement_timeout", milliseconds(times.statement));
  }
  if (times.idle_in_transaction.count() > 0) {
    rules.session_defaults.emplace_back("idle_in_transaction_session_timeout",
                                        milliseconds(times.idle_in_transaction));
  }
  return rules;
}

Quotas& PoolDirectory::find_or_add(QuotasByName& quotas, const std::string& name) {
  auto& found = quotas[name];
  if (found == nullptr) found = std::make_unique<Quotas>();
  return *found;
}

Result<std::shared_ptr<Pool>> PoolDirectory::find_or_create_locked(const PoolKey& key,
                                                                   const std::shared_ptr<Pool>& origin) {
  auto& pool = pools_[key];
  if (pool == nullptr) {
    auto target = target_for(*settings_, key);
    if (!target) {
      pools_.erase(key);
      return target.error();
    }
    pool = std::make_shared<Pool>(
        *this, key, *target, std::make_shared<const PoolRules>(rules_for(*settings_, key)),
        find_or_add(user_quotas_, key.user), find_or_add(database_quotas_, key.entry()), origin);
    set_quota_limits(*settings_);
    restrain(key, *pool);
    if (const auto role = roles_since_.find(role_locked(key)); role != roles_since_.end())
      pool->set_role_since(role->second);
  }
  return pool;
}

Result<std::shared_ptr<Pool>> PoolDirectory::find_or_create(const std::string& user,
                                                            const std::string& database) {
  const std::lock_guard lock(mutex_);
  const PoolKey key{user, database, {}};
  // Where the pool of one that is listed no more has stayed, roles are others than those that now log in.
  if (auto target = target_for(*settings_, key); !target) return target.error();
  return find_or_create_locked(key);
}

Result<std::shared_ptr<Pool>> PoolDirectory::for_roles(const std::string& entry) {
  const std::lock_guard lock(mutex_);
  const auto at = targets_.find(entry);
  if (at == targets_.end()) {
    return Error{ErrorCode::unavailable, fmt::format("database \"{}\" has no server of its own", entry)};
  }
  const config::Upstream& upstream = at->second->upstream();
  const std::string database = upstream.database.empty() ? "postgres" : upstream.database;
  PoolKey key{upstream.user, database, {}};
  const auto of_clients = target_for(*settings_, key);
  const bool is_same =
      of_clients && config::upstream_entry(*settings_, database) == entry &&
      ((*of_clients)->upstream().database.empty() || (*of_clients)->upstream().database == database);
  if (!is_same) key.roles_of = entry;
  auto pool = find_or_create_locked(key);
  if (pool && !upstream.password.empty()) (*pool)->set_credentials(wire::SecretText(upstream.password));
  return pool;
}

bool PoolDirectory::may_live_on(const std::string& database, const std::string& server) const {
  const std::lock_guard lock(mutex_);
  const std::string entry = config::upstream_entry(*settings_, database);
  if (!entry.empty()) return server_name(*config::upstream_of(*settings_, entry)) == server;
  const auto servers = servers_of(*settings_);
  return std::ranges::find(servers, server, server_name) != servers.end();
}

std::shared_ptr<Pool> PoolDirectory::for_reads(const std::shared_ptr<Pool>& origin,
                                               const std::string& server) {
  const std::lock_guard lock(mutex_);
  auto pool = find_or_create_locked({origin->user(), origin->database(), server}, origin);
  if (!pool) return nullptr;
  (*pool)->set_origin(origin);  // the one it was made for may have been forgotten
  return std::move(*pool);
}

std::vector<std::shared_ptr<Pool>> PoolDirectory::all() const {
  return of_database("");
}

std::vector<std::shared_ptr<Pool>> PoolDirectory::of_database(const std::string& database) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Pool>> pools;
  for (const auto& [key, pool] : pools_) {
    if (database.empty() || key.entry() == database) pools.push_back(pool);
  }
  return pools;
}

TrafficByDatabase PoolDirectory::traffic() const {
  const std::lock_guard lock(mutex_);
  TrafficByDatabase sums = forgotten_traffic_;
  for (const auto& [key, pool] : pools_) sums[key.database] += pool->traffic();
  return sums;
}

std::map<std::string, ServerUse> PoolDirectory::use_by_server() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, ServerUse> uses;
  for (const auto& [server, assignments] : past_assignments_) uses[server].assignments = assignments;
  for (const auto& [key, pool] : pools_) {
    ServerUse& use = uses[pool->target()->name()];
    use.backends += pool->open_backends();
    use.assignments += unbooked_assignments_locked(*pool);
  }
  return uses;
}

std::pair<std::string, std::string> PoolDirectory::role_locked(const PoolKey& key) const {
  return {key.roles_of ? *key.roles_of : config::upstream_entry(*settings_, key.database), key.user};
}

void PoolDirectory::renew_role(const std::string& entry, const std::string& user) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t since = defaults_generation_.fetch_add(1) + 1;
  const std::pair role(entry, user);
  roles_since_[role] = since;
  for (const auto& [key, pool] : pools_) {
    if (role_locked(key) == role) pool->set_role_since(since);
  }
}

std::uint64_t PoolDirectory::unbooked_assignments_locked(const Pool& pool) const {
  const auto booked = booked_assignments_.find(&pool);
  return pool.traffic().assignments - (booked == booked_assignments_.end() ? 0 : booked->second);
}

/// What the pool has lent so far was lent by the server that it is on now, or by one that it was booked to.
void PoolDirectory::book_assignments_locked(const Pool& pool) {
  const std::uint64_t assignments = unbooked_assignments_locked(pool);
  if (assignments == 0) return;
  past_assignments_[pool.target()->name()] += assignments;
  booked_assignments_[&pool] += assignments;
}

void PoolDirectory::pause(const std::string& database) {
  const std::lock_guard lock(mutex_);
  if (database.empty()) {
    all_paused_ = true;
  } else {
    paused_.insert(database);
  }
  for (const auto& [key, pool] : pools_) {
    if (is_paused_locked(key)) pool->pause();
  }
}

bool PoolDirectory::resume(const std::string& database) {
  const std::lock_guard lock(mutex_);
  if (database.empty()) {
    if (!all_paused_ && paused_.empty()) return false;
    all_paused_ = false;
    paused_.clear();
  } else if (all_paused_ || paused_.erase(database) == 0) {
    return false;
  }
  for (const auto& [key, pool] : pools_) {
    if (pool->is_paused() && !is_paused_locked(key)) pool->resume();
  }
  return true;
}

bool PoolDirectory::is_paused(const std::string& database) const {
  const std::lock_guard lock(mutex_);
  return is_paused_locked(database);
}

bool PoolDirectory::is_paused_locked(const std::string& database) const {
  return all_paused_ || paused_.contains(database);
}

bool PoolDirectory::is_held_locked(const PoolKey& key) const {
  return is_primary_held_ && key.server.empty() && is_on_cluster(*settings_, key);
}

bool PoolDirectory::is_paused_locked(const PoolKey& key) const {
  return is_held_locked(key) || is_paused_locked(key.entry());
}

/// As its likes are.
void PoolDirectory::restrain(const PoolKey& key, Pool& pool) const {
  pool.set_held(is_held_locked(key));
  if (is_paused_locked(key)) pool.pause();
}

void PoolDirectory::set_disabled(const std::string& database, bool disabled) {
  const std::lock_guard lock(mutex_);
  if (disabled) {
    disabled_.insert(database);
  } else {
    disabled_.erase(database);
  }
}

bool PoolDirectory::is_disabled(const std::string& database) const {
  const std::lock_guard lock(mutex_);
  return disabled_.contains(database);
}

std::set<std::string> PoolDirectory::restricted_databases() const {
  const std::lock_guard lock(mutex_);
  std::set<std::string> names = disabled_;
  names.insert(paused_.begin(), paused_.end());
  return names;
}

void PoolDirectory::forget_unused() {
  const std::lock_guard lock(mutex_);
  // A client holds its pool, so a pool with one owner has none; its backends are counted by the pool itself.
  // They are looked at first: the last one's thread becomes an owner before it gives its permit back.
  const std::size_t forgotten = std::erase_if(pools_, [this](const auto& entry) {
    const auto& [key, pool] = entry;
    if (pool->open_backends() > 0 || pool.use_count() > 1) return false;
    if (const Traffic traffic = pool->traffic(); traffic != Traffic()) {
      const bool has_room =
          forgotten_traffic_.size() < kMostDatabases || forgotten_traffic_.contains(key.database);
      forgotten_traffic_[has_room ? key.database : std::string(kOtherDatabases)] += traffic;
    }
    book_assignments_locked(*pool);
    booked_assignments_.erase(pool.get());
    return true;
  });
  if (forgotten == 0) return;  // then every quota has the pool that it had
  std::set<std::string_view> users;
  std::set<std::string_view> databases;
  for (const auto& [key, pool] : pools_) {
    users.insert(key.user);
    databases.insert(key.entry());
  }
  std::erase_if(user_quotas_, [&users](const auto& quota) { return !users.contains(quota.first); });
  std::erase_if(database_quotas_,
                [&databases](const auto& quota) { return !databases.contains(quota.first); });
}

void PoolDirectory::serve_waiters() {
  for (const auto& pool : all()) {
    if (pool->waiting() != 0) pool->serve();
  }
}

void PoolDirectory::free_one_of(const Quota& quota) {
  on_each_thread([this, &quota] {
    for (const auto& pool : all()) {
      if (pool->close_idle(&quota, 1) > 0) return;
    }
  });
}

}  // namespace forebay::backend
