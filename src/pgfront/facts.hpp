#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backend/traffic.hpp"
#include "base/clock.hpp"
#include "cache/level.hpp"
#include "cache/stream_tally.hpp"
#include "config/settings.hpp"
#include "pgfront/console_gather.hpp"
#include "route/topology.hpp"

/// What there is to be told of the process, as plain values: SHOW writes them as rows, HTTP as metrics and
/// JSON. What lives on the threads of clients is asked there and comes back to whoever asks; the rest takes
/// locks that nobody holds for long.
namespace forebay::pgfront {

/// Who asks, on which thread, and when.
struct Inquiry {
  Front& front;
  std::weak_ptr<void> asker;  ///< answers that come when it has gone are dropped
  Post here;
  TimePoint now;
};

/// One pool, or those of one user and database together. Words: PgBouncer's SHOW POOLS.
struct PoolFacts {
  std::string database;
  std::string user;
  std::string server;         ///< the first one's
  bool is_for_reads = false;  ///< on a server that is asked for reads only
  bool is_paused = false;
  config::PoolMode mode = config::PoolMode::transaction;
  std::uint64_t most_backends = 0;
  std::uint64_t longest_wait_ms = 0;
  std::uint64_t longest_idle_ms = 0;  ///< of a client in a transaction: since everything has been answered
  std::uint64_t clients = 0;          ///< that do not wait for a backend
  std::uint64_t waiting = 0;          ///< for one of this pool's
  std::uint64_t cancels = 0;          ///< on their way
  std::uint64_t active = 0;           ///< backends that are lent to clients
  std::uint64_t idle = 0;
  std::uint64_t used = 0;    ///< idle for so long that they are tested before they are lent
  std::uint64_t tested = 0;  ///< in use for a question of our own, or being cleaned
  std::uint64_t login = 0;   ///< being opened
  std::uint64_t being_canceled = 0;
  std::uint64_t held = 0;  ///< clients that keep their backend
  backend::Traffic traffic = {};

  /// Backends that nobody else can have now.
  std::uint64_t in_use() const { return active + tested + login + being_canceled; }
};

/// In the order of users, databases and servers. `joins_servers`: those of one user and database on different
/// servers are one, as PgBouncer has them.
void gather_pools(const Inquiry& inquiry, bool joins_servers,
                  std::function<void(std::vector<PoolFacts>)> done);

/// Clients of all threads.
struct ClientFacts {
  std::uint64_t all = 0;
  std::uint64_t counted =
      0;  ///< those that limits.max_clients is for: no consoles, nobody who has said nothing
  std::uint64_t logging_in = 0;
  std::uint64_t sessions = 0;  ///< these are idle, active or waiting
  std::uint64_t idle = 0;
  std::uint64_t active = 0;   ///< have a backend, or share the answer that another one has asked for
  std::uint64_t waiting = 0;  ///< for a backend, some of them to be let in
  std::uint64_t consoles = 0;
};

void gather_clients(const Inquiry& inquiry, std::function<void(ClientFacts)> done);

/// What there is of each kind: SHOW LISTS.
struct Lists {
  std::uint64_t databases = 0;  ///< listed in the configuration, or used
  std::uint64_t users = 0;      ///< likewise
  std::uint64_t pools = 0;
  std::uint64_t backends = 0;
};
Lists lists_of(Front& front);

/// Objects of one kind, without what hangs on them: SHOW MEM.
struct ObjectFacts {
  std::string_view name;
  std::uint64_t size = 0;  ///< of one, in bytes
  std::uint64_t used = 0;
};
std::vector<ObjectFacts> object_facts(Front& front, const ClientFacts& clients);

/// A database or a user, with what its pools have together.
struct QuotaFacts {
  std::string name;
  std::uint64_t backends = 0;
  std::uint64_t most_backends = 0;  ///< 0: any number
  std::uint64_t clients = 0;
  std::uint64_t most_clients = 0;  ///< likewise
};
struct DatabaseFacts : QuotaFacts {
  bool is_paused = false;
  bool is_disabled = false;
};
std::vector<DatabaseFacts> database_facts(Front& front);
std::vector<QuotaFacts> user_facts(Front& front);

/// A server of the cluster, or another that backends are or were opened to.
struct ServerFacts {
  route::Server server;
  bool is_watched = false;                   ///< false: all but the name is unknown
  bool is_primary = false;                   ///< where writes go
  std::optional<std::uint64_t> lag_ms = {};  ///< of a replica that covers anything
  std::uint64_t backends = 0;
  std::uint64_t assignments = 0;
  backend::ServerHistory history = {};
};
/// Those that are watched come first, in the order of the configuration.
std::vector<ServerFacts> server_facts(Front& front);
/// As PostgreSQL writes a pg_lsn.
std::string position_text(route::Position position);

/// What is kept of one database. Times in milliseconds, but for what says otherwise.
struct CacheFacts {
  std::string database;                       ///< its name on the server
  std::vector<std::string> client_databases;  ///< the names by which clients use it, sorted
  std::string server;
  cache::Level level = cache::Level::none;
  std::string trouble;
  std::optional<std::uint64_t>
      staleness;  ///< the bound; nothing at the level ttl, where each entry has its own
  std::optional<std::uint64_t> lease_age;  ///< nothing while there is no lease
  /// Since the last proof of freshness, of a stream that has ended too, where the cache was asked since; 0
  /// where it was not: a lease that nobody needs is not renewed.
  std::optional<std::uint64_t> wanted_lease_age;
  std::optional<std::uint64_t> age_p50, age_p99, age_max;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t waits = 0;
  std::uint64_t fills = 0;
  std::uint64_t refills = 0;
  std::uint64_t stale = 0;
  std::uint64_t refused = 0;
  std::uint64_t saved_micros = 0;
  cache::StreamFigures stream;
  std::uint64_t entries = 0;  ///< counted only when that is asked for
  std::uint64_t bytes = 0;    ///< likewise
};
/// `counts_entries` visits every entry under the locks of the store's shards: milliseconds, when there are
/// hundreds of thousands.
std::vector<CacheFacts> cache_facts(Front& front, TimePoint now, bool counts_entries);

}  // namespace forebay::pgfront
