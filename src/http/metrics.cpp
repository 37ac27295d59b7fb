#include "http/metrics.hpp"

#include <iterator>

#include "http/alert_metrics.hpp"
#include "http/bounded_labels.hpp"
#include "http/sample_metrics.hpp"

namespace forebay::http {

namespace {

using observe::MetricSink;
using Kind = MetricSink::Kind;

constexpr double kMicro = 1e-6;
constexpr double kMilli = 1e-3;

std::uint64_t flag(bool is_set) {
  return is_set ? 1 : 0;
}

void write_process(MetricSink& page, const Figures& figures) {
  const ProcessFacts& process = figures.process;
  page.family("forebay_build", Kind::info, "The version of Forebay that runs.");
  page.sample({{"version", FOREBAY_VERSION}}, std::uint64_t{1});
  page.family("process_cpu_seconds", Kind::counter, "Processor time used, in user and system mode.",
              "seconds");
  page.sample({}, process.cpu_seconds);
  page.family("process_start_time_seconds", Kind::gauge, "When the process began, since 1970.", "seconds");
  page.sample({}, process.start_time);
  page.family("process_resident_memory_bytes", Kind::gauge, "Memory of the process that is in use.", "bytes");
  page.sample({}, process.resident_bytes);
  page.family("process_virtual_memory_bytes", Kind::gauge, "Address space of the process.", "bytes");
  page.sample({}, process.virtual_bytes);
  page.family("process_open_fds", Kind::gauge, "Open file descriptors.");
  page.sample({}, process.open_files);
  page.family("process_max_fds", Kind::gauge, "How many file descriptors may be open.");
  page.sample({}, process.most_files);
  page.family("process_threads", Kind::gauge, "Threads of the process.");
  page.sample({}, process.threads);
  page.family("forebay_client_threads", Kind::gauge, "Threads that serve clients.");
  page.sample({}, figures.loops);
  page.family("forebay_object_memory_bytes", Kind::gauge,
              "Memory of objects of one kind, without what hangs on them.", "bytes");
  for (const auto& object : figures.objects)
    page.sample({{"object", object.name}}, object.size * object.used);
  page.family("forebay_paused", Kind::gauge, "Whether all databases are paused together.");
  page.sample({}, flag(figures.is_paused));
  page.family("forebay_draining", Kind::gauge,
              "Whether the process is about to end and takes no new clients.");
  page.sample({}, flag(figures.is_draining));
  page.family("forebay_ready", Kind::gauge, "Whether clients can be served (/health/ready).");
  page.sample({}, flag(figures.is_ready));
  page.family("forebay_health_duration_seconds", Kind::histogram,
              "Time from having read a request for /health to having sent the answer.", "seconds");
  page.sample({}, figures.health_answers);
}

void write_clients(MetricSink& page, const Figures& figures) {
  const auto& clients = figures.clients;
  page.family("forebay_clients", Kind::gauge, "Connected clients by what they do.");
  page.sample({{"state", "login"}}, clients.logging_in);
  page.sample({{"state", "idle"}}, clients.idle);
  page.sample({{"state", "active"}}, clients.active);
  page.sample({{"state", "waiting"}}, clients.waiting);
  page.sample({{"state", "console"}}, clients.consoles);
  page.family("forebay_clients_counted", Kind::gauge,
              "Clients that the limit is for: all but consoles, and connections that have said nothing yet.");
  page.sample({}, clients.counted);
  page.family("forebay_refused_logins", Kind::counter,
              "Logins that were refused: a wrong password, no such database or role, no backend in time.");
  page.sample({}, figures.refused_logins);
  page.family("forebay_clients_limit", Kind::gauge,
              "How many clients there may be (limits.max_clients); 0: any.");
  page.sample({}, figures.most_clients);
}

struct TrafficFamily {
  std::string_view name;
  std::string_view help;
  std::uint64_t backend::Traffic::*value;
  std::string_view unit = {};
};

void write_traffic(MetricSink& page, const Figures& figures) {
  using T = backend::Traffic;
  static constexpr TrafficFamily kFamilies[] = {
      {"forebay_queries", "Queries that clients have sent.", &T::queries},
      {"forebay_cached_queries", "Of those, answered from memory alone.", &T::cached_queries},
      {"forebay_transactions", "Transactions of clients that have ended.", &T::transactions},
      {"forebay_backend_assignments", "Backends that were lent to clients.", &T::assignments},
      {"forebay_failed_checkouts",
       "Waits of clients for a backend that ended without one: refused, given up, cancelled.",
       &T::failed_checkouts},
      {"forebay_client_received_bytes", "Bytes that came from clients.", &T::bytes_received, "bytes"},
      {"forebay_client_sent_bytes", "Bytes that were sent to clients.", &T::bytes_sent, "bytes"},
      {"forebay_client_parses", "Statements that clients have prepared by name.", &T::client_parses},
      {"forebay_backend_parses", "Of those, prepared on a backend.", &T::server_parses},
      {"forebay_binds", "Uses of statements that were prepared by name.", &T::binds},
      {"forebay_query_seconds", "Time from queries to their answers by servers.", &T::query_micros,
       "seconds"},
      {"forebay_transaction_seconds", "Time that transactions took.", &T::transaction_micros, "seconds"},
      {"forebay_client_wait_seconds", "Time that clients waited for a backend, whether they got one or not.",
       &T::wait_micros, "seconds"},
  };
  for (const TrafficFamily& family : kFamilies) {
    page.family(family.name, Kind::counter, family.help, family.unit);
    for (const auto& [database, traffic] : figures.traffic) {
      const std::uint64_t value = traffic.*family.value;
      if (family.unit == "seconds") {
        page.sample({{"database", database}}, static_cast<double>(value) * kMicro);
      } else {
        page.sample({{"database", database}}, value);
      }
    }
  }
}

/// By what was chosen for them, and why it was the primary.
void write_routes(MetricSink& page, const Figures& figures) {
  using T = backend::Traffic;
  struct Route {
    std::string_view server;
    std::string_view why;
    std::uint64_t T::*reads;
  };
  static constexpr Route kRoutes[] = {
      {"replica", "chosen", &T::replica_reads},        {"primary", "chosen", &T::primary_reads_chosen},
      {"primary", "wanted", &T::primary_reads_wanted}, {"primary", "kept", &T::primary_reads_kept},
      {"primary", "behind", &T::primary_reads_behind}, {"primary", "failed", &T::primary_reads_failed}};
  page.family("forebay_routed_reads", Kind::counter,
              "Batches of reads that a replica could have got, by who did, and why (docs/replicas.md).");
  for (const auto& [database, traffic] : figures.traffic) {
    for (const Route& route : kRoutes)
      page.sample({{"database", database}, {"role", route.server}, {"why", route.why}}, traffic.*route.reads);
  }
  page.family("forebay_reads_asked_again", Kind::counter,
              "Of those, the ones that another server had failed at before.");
  for (const auto& [database, traffic] : figures.traffic)
    page.sample({{"database", database}}, traffic.reads_asked_again);
}

void write_latencies(MetricSink& page, const Figures& figures) {
  using Report = pgfront::LatencyReport;
  const auto write = [&](std::string_view family, std::string_view help, auto times) {
    page.family(family, Kind::histogram, help, "seconds");
    for (const auto& [database, report] : figures.latencies)
      page.sample({{"database", database}}, report.*times);
  };
  write("forebay_call_duration_seconds",
        "Time that servers took for statements, without waiting for a backend (docs/statements.md).",
        &Report::calls);
  write("forebay_transaction_duration_seconds", "Time from a transaction's first message to its end.",
        &Report::transactions);
  write("forebay_backend_wait_duration_seconds",
        "Time that clients waited for a backend, each time, whether they got one or not.", &Report::waits);
  write("forebay_cache_hit_duration_seconds",
        "Time from reading a question to having sent its answer from memory, without waiting for another "
        "client's.",
        &Report::hits);
  page.family("forebay_call_errors", Kind::counter,
              "Calls that ended with an error, of those whose time is counted.");
  for (const auto& [database, report] : figures.latencies)
    page.sample({{"database", database}}, report.errors);
  page.family(
      "forebay_refused_calls", Kind::counter,
      "Statements that Forebay answered with an error of its own: no backend in time, or a lost connection.");
  for (const auto& [database, report] : figures.latencies)
    page.sample({{"database", database}}, report.refusals);
}

void write_repetitions(MetricSink& page, const Figures& figures) {
  page.family("forebay_repetitions", Kind::counter,
              "Transactions, traces and alike in which a statement repeated (docs/statements.md).");
  for (const auto& count : figures.repetitions) {
    for (const auto kind : {engine::RepetitionKind::n_plus_one, engine::RepetitionKind::duplicate}) {
      page.sample({{"database", count.database}, {"kind", name_of(kind)}},
                  count.windows[static_cast<std::size_t>(kind)]);
    }
  }
}

/// One sample for each pool, whatever `write` makes of it. A pool that is asked for reads may be on the same
/// server as the one that is written to.
template <class Write>
void each_pool(const Figures& figures, Write write) {
  for (const auto& pool : figures.pools) write(pool, pool.is_for_reads ? "reads" : "all");
}

void write_pool_states(MetricSink& page, const Figures& figures) {
  using P = pgfront::PoolFacts;
  struct State {
    std::string_view name;
    std::uint64_t P::*count;
  };
  static constexpr State kClients[] = {{"active", &P::clients}, {"waiting", &P::waiting}};
  static constexpr State kBackends[] = {{"active", &P::active}, {"idle", &P::idle},
                                        {"used", &P::used},     {"tested", &P::tested},
                                        {"login", &P::login},   {"being_canceled", &P::being_canceled}};
  const auto write = [&](std::string_view family, std::string_view help, const auto& states) {
    page.family(family, Kind::gauge, help);
    each_pool(figures, [&](const P& pool, std::string_view use) {
      for (const State& state : states) {
        page.sample({{"database", pool.database},
                     {"user", pool.user},
                     {"server", pool.server},
                     {"use", use},
                     {"state", state.name}},
                    pool.*state.count);
      }
    });
  };
  write("forebay_pool_clients", "Clients of a pool, as SHOW POOLS counts them.", kClients);
  write("forebay_pool_backends", "Backends of a pool by what they do, as SHOW POOLS counts them.", kBackends);
}

void write_pools(MetricSink& page, const Figures& figures) {
  using P = pgfront::PoolFacts;
  write_pool_states(page, figures);
  const auto write = [&](std::string_view family, std::string_view help, auto value,
                         std::string_view unit = {}) {
    page.family(family, Kind::gauge, help, unit);
    each_pool(figures, [&](const P& pool, std::string_view use) {
      page.sample({{"database", pool.database}, {"user", pool.user}, {"server", pool.server}, {"use", use}},
                  value(pool));
    });
  };
  write("forebay_pool_backends_limit", "How many backends a pool may have.",
        [](const P& pool) { return pool.most_backends; });
  write("forebay_pool_held_clients", "Clients that keep their backend between transactions.",
        [](const P& pool) { return pool.held; });
  write("forebay_pool_cancels", "Cancel requests on their way to the server.",
        [](const P& pool) { return pool.cancels; });
  write(
      "forebay_pool_longest_wait_seconds", "How long the first in the queue for a backend has waited.",
      [](const P& pool) { return static_cast<double>(pool.longest_wait_ms) * kMilli; }, "seconds");
  write(
      "forebay_pool_longest_idle_transaction_seconds",
      "How long the client that has been idle in a transaction for longest has sent nothing.",
      [](const P& pool) { return static_cast<double>(pool.longest_idle_ms) * kMilli; }, "seconds");
  write("forebay_pool_paused", "Whether a pool lends no backends at present.",
        [](const P& pool) { return flag(pool.is_paused); });
}

template <class All>
void write_quotas(MetricSink& page, std::string_view label, const All& all) {
  const std::string prefix = "forebay_" + std::string(label);
  const auto write = [&](std::string_view what, std::string_view help, auto value) {
    page.family(prefix + std::string(what), Kind::gauge, help);
    for (const auto& facts : all) page.sample({{label, facts.name}}, value(facts));
  };
  const auto of = [](auto member) { return [member](const auto& facts) { return facts.*member; }; };
  using Q = pgfront::QuotaFacts;
  write("_backends", "Open backends.", of(&Q::backends));
  write("_backends_limit", "How many backends there may be; 0: any number.", of(&Q::most_backends));
  write("_clients", "Clients of pools.", of(&Q::clients));
  write("_clients_limit", "How many clients there may be; 0: any number.", of(&Q::most_clients));
}

void write_databases(MetricSink& page, const Figures& figures) {
  write_quotas(page, "database", figures.databases);
  page.family("forebay_database_paused", Kind::gauge, "Whether a database is paused.");
  for (const auto& facts : figures.databases) page.sample({{"database", facts.name}}, flag(facts.is_paused));
  page.family("forebay_database_disabled", Kind::gauge, "Whether a database takes no new clients.");
  for (const auto& facts : figures.databases)
    page.sample({{"database", facts.name}}, flag(facts.is_disabled));
  write_quotas(page, "user", figures.users);
  page.family("forebay_databases", Kind::gauge, "Databases that are listed or used.");
  page.sample({}, figures.lists.databases);
  page.family("forebay_users", Kind::gauge, "Users that are listed or connected.");
  page.sample({}, figures.lists.users);
  page.family("forebay_pools", Kind::gauge, "Pools.");
  page.sample({}, figures.lists.pools);
  page.family("forebay_backends", Kind::gauge, "Open backends of all pools.");
  page.sample({}, figures.lists.backends);
  page.family("forebay_metrics_left_out", Kind::gauge, "How many have no samples of their own.");
  page.sample({{"of", "pools"}}, std::uint64_t{figures.left_out.pools});
  page.sample({{"of", "users"}}, std::uint64_t{figures.left_out.users});
  page.sample({{"of", "databases"}}, std::uint64_t{figures.left_out.databases});
}

constexpr route::Role kRoles[] = {route::Role::unknown, route::Role::primary, route::Role::replica};
static_assert(std::size(kRoles) == route::kRoles);
constexpr route::State kStates[] = {route::State::unknown, route::State::up, route::State::lagging,
                                    route::State::down, route::State::refused};
static_assert(std::size(kStates) == route::kStates);

void write_server_states(MetricSink& page, const Figures& figures) {
  page.family("forebay_server_state", Kind::gauge, "1 for the state that a server is in.");
  for (const auto& facts : figures.servers) {
    for (const route::State state : kStates) {
      if (facts.is_watched)
        page.sample({{"server", facts.server.name}, {"state", to_text(state)}},
                    flag(facts.server.state == state));
    }
  }
  page.family("forebay_server_role", Kind::gauge, "1 for the role that a server says it has.");
  for (const auto& facts : figures.servers) {
    for (const route::Role role : kRoles) {
      if (facts.is_watched)
        page.sample({{"server", facts.server.name}, {"role", to_text(role)}},
                    flag(facts.server.role == role));
    }
  }
  page.family("forebay_server_state_changes", Kind::counter, "Changes of a server to another state.");
  for (const auto& facts : figures.servers) {
    for (const route::State state : kStates) {
      if (facts.is_watched)
        page.sample({{"server", facts.server.name}, {"state", to_text(state)}},
                    facts.history.states[static_cast<std::size_t>(state)]);
    }
  }
  page.family("forebay_server_role_changes", Kind::counter, "Changes of a server to another role.");
  for (const auto& facts : figures.servers) {
    for (const route::Role role : kRoles) {
      if (facts.is_watched)
        page.sample({{"server", facts.server.name}, {"role", to_text(role)}},
                    facts.history.roles[static_cast<std::size_t>(role)]);
    }
  }
}

void write_servers(MetricSink& page, const Figures& figures) {
  using S = pgfront::ServerFacts;
  write_server_states(page, figures);
  const auto write = [&](std::string_view family, Kind kind, std::string_view help, bool needs_watch,
                         auto value, std::string_view unit = {}) {
    page.family(family, kind, help, unit);
    for (const S& facts : figures.servers) {
      if (facts.is_watched || !needs_watch) page.sample({{"server", facts.server.name}}, value(facts));
    }
  };
  write("forebay_server_promotions", Kind::counter, "How often a server became the one that is written to.",
        true, [](const S& facts) { return facts.history.promotions; });
  write("forebay_server_primary", Kind::gauge, "Whether writes go to a server.", true,
        [](const S& facts) { return flag(facts.is_primary); });
  write("forebay_server_weight", Kind::gauge, "A server's share of the reads, against that of others.", true,
        [](const S& facts) { return std::uint64_t{facts.server.weight}; });
  write(
      "forebay_server_wal_position_bytes", Kind::gauge,
      "How far a primary has written its log, or a replica has replayed it.", true,
      [](const S& facts) { return facts.server.position; }, "bytes");
  write("forebay_server_timeline", Kind::gauge, "The timeline that a server is on; 0: not known.", true,
        [](const S& facts) { return std::uint64_t{facts.server.timeline}; });
  write("forebay_server_backends", Kind::gauge, "Open backends of a server.", false,
        [](const S& facts) { return facts.backends; });
  write("forebay_server_assignments", Kind::counter, "Backends of a server that were lent to clients.", false,
        [](const S& facts) { return facts.assignments; });
  page.family("forebay_server_lag_seconds", Kind::gauge,
              "How far what a replica shows is behind the primary.", "seconds");
  for (const S& facts : figures.servers) {
    if (facts.lag_ms)
      page.sample({{"server", facts.server.name}}, static_cast<double>(*facts.lag_ms) * kMilli);
  }
}

struct CacheFamily {
  std::string_view name;
  std::string_view help;
  std::uint64_t pgfront::CacheFacts::*value;
};

void write_cache_counters(MetricSink& page, const Figures& figures) {
  using C = pgfront::CacheFacts;
  static constexpr CacheFamily kFamilies[] = {
      {"forebay_cache_hits", "Statements that were answered from memory.", &C::hits},
      {"forebay_cache_misses", "Statements that could be kept and were not there.", &C::misses},
      {"forebay_cache_waits", "Statements that waited for the answer to somebody else's.", &C::waits},
      {"forebay_cache_fills", "Results that were kept.", &C::fills},
      {"forebay_cache_refills", "Results that Forebay asked for by itself.", &C::refills},
      {"forebay_cache_stale", "Results that were found and that writes had ended.", &C::stale},
      {"forebay_cache_refused", "Statements whose results cannot be kept.", &C::refused},
  };
  for (const CacheFamily& family : kFamilies) {
    page.family(family.name, Kind::counter, family.help);
    for (const C& facts : figures.caches)
      page.sample({{"database", facts.database}, {"server", facts.server}}, facts.*family.value);
  }
  page.family("forebay_cache_saved_seconds", Kind::counter, "Time that servers took to answer what was hit.",
              "seconds");
  for (const C& facts : figures.caches) {
    page.sample({{"database", facts.database}, {"server", facts.server}},
                static_cast<double>(facts.saved_micros) * kMicro);
  }
}

void write_streams(MetricSink& page, const Figures& figures) {
  using S = cache::StreamFigures;
  const auto write = [&](std::string_view family, std::string_view help, std::uint64_t S::*value,
                         std::string_view unit = {}) {
    page.family(family, Kind::counter, help, unit);
    for (const auto& facts : figures.caches)
      page.sample({{"database", facts.database}, {"server", facts.server}}, facts.stream.*value);
  };
  write("forebay_stream_starts",
        "Beginnings of a database's change stream: the first, after each loss, and at another level.",
        &S::starts);
  write("forebay_stream_leases", "Proofs that no change was missed.", &S::leases);
  write("forebay_stream_catalogs", "Times that the database's catalog was found changed.", &S::catalogs);
  write("forebay_stream_changes",
        "Changes that came: rows, and emptied tables; at the level outbox, statements.", &S::changes);
  write("forebay_stream_received_bytes", "What they took, decoded.", &S::bytes, "bytes");
}

void write_cache(MetricSink& page, const Figures& figures) {
  using C = pgfront::CacheFacts;
  write_cache_counters(page, figures);
  page.family("forebay_cache_level", Kind::gauge,
              "1 for the level by which kept results are known to be fresh (docs/freshness.md).");
  for (const C& facts : figures.caches) {
    page.sample({{"database", facts.database}, {"server", facts.server}, {"level", name_of(facts.level)}},
                std::uint64_t{1});
  }
  page.family("forebay_cache_troubled", Kind::gauge,
              "Whether nothing is served from memory, or there is no better level; SHOW CACHE says why.");
  for (const C& facts : figures.caches) {
    page.sample({{"database", facts.database}, {"server", facts.server}}, flag(!facts.trouble.empty()));
  }
  const auto write = [&](std::string_view family, std::string_view help, auto value) {
    page.family(family, Kind::gauge, help, "seconds");
    for (const C& facts : figures.caches) {
      if (const auto& milliseconds = facts.*value)
        page.sample({{"database", facts.database}, {"server", facts.server}},
                    static_cast<double>(*milliseconds) * kMilli);
    }
  };
  write("forebay_cache_staleness_bound_seconds", "How far behind the primary an answer may be.",
        &C::staleness);
  write("forebay_cache_lease_age_seconds",
        "Time since the last proof that no change was missed; 0 where nobody has asked the cache since.",
        &C::wanted_lease_age);
  write("forebay_cache_answer_age_p50_seconds", "How old answers were at most, of late: the median.",
        &C::age_p50);
  write("forebay_cache_answer_age_p99_seconds", "How old answers were at most, of late: of 99 in a hundred.",
        &C::age_p99);
  write("forebay_cache_answer_age_max_seconds", "How old answers were at most, of late.", &C::age_max);
  page.family("forebay_cache_entries", Kind::gauge, "Results that are kept.");
  page.sample({}, std::uint64_t{figures.store.entries});
  page.family("forebay_cache_size_bytes", Kind::gauge, "What they take.", "bytes");
  page.sample({}, std::uint64_t{figures.store.bytes});
  page.family("forebay_cache_size_limit_bytes", Kind::gauge, "What they may take (cache.size).", "bytes");
  page.sample({}, std::uint64_t{figures.store_capacity});
  page.family("forebay_cache_evictions", Kind::counter, "Results that gave way to others.");
  page.sample({}, figures.store.evicted);
}

}  // namespace

const std::vector<Collector>& collectors() {
  static const std::vector<Collector> all = {
      write_process,     write_clients, write_traffic,   write_routes,  write_latencies,
      write_repetitions, write_pools,   write_databases, write_servers, write_cache,
      write_streams,     write_machine, write_alerts};
  return all;
}

void write_metrics(MetricSink& to, const Figures& figures, const monitor::Watched& watched) {
  if (has_too_many(figures)) {
    Figures busiest = figures;
    keep_busiest(busiest);
    return write_metrics(to, busiest, watched);
  }
  for (const Collector collect : collectors()) collect(to, figures);
  write_history_writing(to, watched.writer.state());
  write_samples(to, *watched.sampler.samples());
}

std::string metrics_page(const Figures& figures, const monitor::Watched& watched,
                         observe::Exposition::Form form) {
  observe::Exposition page(form);
  write_metrics(page, figures, watched);
  return page.take();
}

}  // namespace forebay::http
