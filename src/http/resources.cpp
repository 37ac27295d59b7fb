#include "http/resources.hpp"

#include "config/options.hpp"
#include "config/values.hpp"
#include "http/alert_json.hpp"
#include "http/handlers.hpp"
#include "http/json.hpp"
#include "http/metrics.hpp"
#include "pgfront/console_service.hpp"

namespace forebay::http {

namespace {

namespace json = boost::json;
using http::to_json;  // beside those below

json::value or_null(const std::optional<std::uint64_t>& value) {
  return value ? json::value(*value) : json::value();
}

json::object to_json(const backend::Traffic& traffic) {
  return {{"queries", traffic.queries},
          {"cached_queries", traffic.cached_queries},
          {"transactions", traffic.transactions},
          {"backend_assignments", traffic.assignments},
          {"failed_checkouts", traffic.failed_checkouts},
          {"received_bytes", traffic.bytes_received},
          {"sent_bytes", traffic.bytes_sent},
          {"query_us", traffic.query_micros},
          {"transaction_us", traffic.transaction_micros},
          {"wait_us", traffic.wait_micros},
          {"client_parses", traffic.client_parses},
          {"backend_parses", traffic.server_parses},
          {"binds", traffic.binds},
          {"reads",
           {{"replica", traffic.replica_reads},
            {"primary_chosen", traffic.primary_reads_chosen},
            {"primary_wanted", traffic.primary_reads_wanted},
            {"primary_kept", traffic.primary_reads_kept},
            {"primary_behind", traffic.primary_reads_behind},
            {"primary_failed", traffic.primary_reads_failed},
            {"asked_again", traffic.reads_asked_again}}}};
}

json::object to_json(const pgfront::ClientFacts& clients) {
  return {{"all", clients.all},         {"counted", clients.counted}, {"login", clients.logging_in},
          {"idle", clients.idle},       {"active", clients.active},   {"waiting", clients.waiting},
          {"console", clients.consoles}};
}

json::object to_json(const pgfront::PoolFacts& pool) {
  return {{"database", pool.database},
          {"user", pool.user},
          {"server", pool.server},
          {"reads_only", pool.is_for_reads},
          {"mode", config::to_text(pool.mode)},
          {"paused", pool.is_paused},
          {"clients", json::object{{"active", pool.clients}, {"waiting", pool.waiting}, {"held", pool.held}}},
          {"backends", json::object{{"in_use", pool.in_use()},
                                    {"active", pool.active},
                                    {"idle", pool.idle},
                                    {"used", pool.used},
                                    {"tested", pool.tested},
                                    {"login", pool.login},
                                    {"being_canceled", pool.being_canceled},
                                    {"most", pool.most_backends}}},
          {"cancels", pool.cancels},
          {"longest_wait_ms", pool.longest_wait_ms},
          {"longest_idle_in_transaction_ms", pool.longest_idle_ms}};
}

json::object to_json(const pgfront::CacheFacts& facts) {
  return {{"database", facts.database},
          {"server", facts.server},
          {"level", name_of(facts.level)},
          {"trouble", facts.trouble},
          {"staleness_ms", or_null(facts.staleness)},
          {"lease_age_ms", or_null(facts.lease_age)},
          {"age_p50_ms", or_null(facts.age_p50)},
          {"age_p99_ms", or_null(facts.age_p99)},
          {"age_max_ms", or_null(facts.age_max)},
          {"hits", facts.hits},
          {"misses", facts.misses},
          {"waits", facts.waits},
          {"fills", facts.fills},
          {"refills", facts.refills},
          {"stale", facts.stale},
          {"refused", facts.refused},
          {"saved_us", facts.saved_micros},
          {"stream",
           {{"starts", facts.stream.starts},
            {"leases", facts.stream.leases},
            {"catalogs", facts.stream.catalogs},
            {"changes", facts.stream.changes},
            {"received_bytes", facts.stream.bytes}}}};
}

json::object store_of(const cache::Store::Figures& store, std::size_t capacity) {
  return {{"entries", store.entries},
          {"bytes", store.bytes},
          {"limit_bytes", capacity},
          {"evictions", store.evicted}};
}

}  // namespace

json::object to_json(const pgfront::ServerFacts& facts) {
  if (!facts.is_watched) {
    return {{"server", facts.server.name},
            {"watched", false},
            {"backends", facts.backends},
            {"assignments", facts.assignments}};
  }
  return {{"server", facts.server.name},        {"watched", true},
          {"role", to_text(facts.server.role)}, {"state", to_text(facts.server.state)},
          {"why", facts.server.reason},         {"primary", facts.is_primary},
          {"weight", facts.server.weight},      {"zone", facts.server.zone},
          {"lag_ms", or_null(facts.lag_ms)},    {"position", pgfront::position_text(facts.server.position)},
          {"timeline", facts.server.timeline},  {"promotions", facts.history.promotions},
          {"backends", facts.backends},         {"assignments", facts.assignments}};
}

/// `buckets`: lowest, highest, how many; those that are empty are left out.
json::object to_json(const observe::Histogram& times) {
  json::array buckets;
  times.each_bucket([&buckets](std::uint64_t lowest, std::uint64_t highest, std::uint64_t count) {
    buckets.push_back(json::array{lowest, highest, count});
  });
  return {{"count", times.count()}, {"total_us", times.sum()}, {"buckets", std::move(buckets)}};
}

json::object overview_of(const Figures& figures) {
  backend::Traffic traffic;
  for (const auto& [database, each] : figures.traffic) traffic += each;
  observe::Histogram calls;
  observe::Histogram hits;
  std::uint64_t errors = 0;
  for (const auto& [database, report] : figures.latencies) {
    calls += report.calls;
    hits += report.hits;
    errors += report.errors + report.refusals;
  }
  json::object cache = store_of(figures.store, figures.store_capacity);
  cache["hits"] = figures.cached.hits;
  cache["misses"] = figures.cached.misses;
  cache["saved_us"] = figures.cached.saved_micros;
  return {{"time", figures.time},
          {"alerts", counts_of(figures.alerts)},
          {"paused", figures.is_paused},
          {"draining", figures.is_draining},
          {"traffic", to_json(traffic)},
          {"calls", to_json(calls)},
          {"hits", to_json(hits)},
          {"errors", errors},
          {"clients", to_json(figures.clients)},
          {"clients_limit", figures.most_clients},
          {"pools", figures.lists.pools},
          {"backends", figures.lists.backends},
          {"databases", figures.lists.databases},
          {"users", figures.lists.users},
          {"servers", array_of(figures.servers, to_json)},
          {"cache", std::move(cache)},
          {"process", json::object{{"cpu_seconds", figures.process.cpu_seconds},
                                   {"start_time", figures.process.start_time},
                                   {"resident_bytes", figures.process.resident_bytes},
                                   {"open_files", figures.process.open_files},
                                   {"threads", figures.process.threads},
                                   {"client_threads", figures.loops}}}};
}

namespace handlers {

void metrics(const CallPtr& call, const Done& done) {
  const auto form = observe::Exposition::form_for(call->request.accept);
  gather_figures(call->inquiry(), call->watch, [call, form, done](const Figures& figures) {
    done({.content_type = std::string(observe::Exposition::content_type(form)),
          .body = metrics_page(figures, call->watched, form),
          .fields = {{"Vary", "Accept"}}});
  });
}

void overview(const CallPtr& call, const Done& done) {
  gather_figures(call->inquiry(), call->watch,
                 [done](const Figures& figures) { done(data_reply(overview_of(figures))); });
}

void pools(const CallPtr& call, const Done& done) {
  pgfront::gather_pools(call->inquiry(), false, [done](const std::vector<pgfront::PoolFacts>& pools) {
    done(data_reply(array_of(pools, to_json)));
  });
}

void databases(const CallPtr& call, const Done& done) {
  const auto traffic = call->front.directory().traffic();
  const auto& sampler = call->front.console_service().sampler();
  json::array all;
  for (const auto& facts : pgfront::database_facts(call->front)) {
    const auto at = traffic.find(facts.name);
    const backend::Traffic total = at == traffic.end() ? backend::Traffic() : at->second;
    all.push_back({{"database", facts.name},
                   {"paused", facts.is_paused},
                   {"disabled", facts.is_disabled},
                   {"backends", facts.backends},
                   {"backends_limit", facts.most_backends},
                   {"clients", facts.clients},
                   {"clients_limit", facts.most_clients},
                   {"traffic", to_json(total)},
                   {"average", to_json(sampler.average(facts.name, total, call->now))}});
  }
  done(data_reply(std::move(all)));
}

void clients(const CallPtr& call, const Done& done) {
  const auto most = call->front.settings()->limits.max_clients;
  pgfront::gather_clients(call->inquiry(), [most, done](const pgfront::ClientFacts& clients) {
    json::object told = to_json(clients);
    told["limit"] = most;
    done(data_reply(std::move(told)));
  });
}

void servers(const CallPtr& call, const Done& done) {
  done(data_reply(array_of(pgfront::server_facts(call->front), to_json)));
}

void cache(const CallPtr& call, const Done& done) {
  auto& store = call->front.caches().store();
  json::array databases;
  for (const auto& facts : pgfront::cache_facts(call->front, call->now, true)) {
    json::object told = to_json(facts);
    told["entries"] = facts.entries;
    told["bytes"] = facts.bytes;
    databases.push_back(std::move(told));
  }
  done(data_reply(json::object{{"store", store_of(store.figures(), store.capacity())},
                               {"databases", std::move(databases)}}));
}

void config(const CallPtr& call, const Done& done) {
  const auto settings = call->front.settings();
  json::array all;
  const auto add = [&all](const std::vector<forebay::config::SettingLine>& lines) {
    for (const auto& line : lines) {
      all.push_back({{"key", line.key},
                     {"value", line.value},
                     {"default", line.default_value},
                     {"changeable", line.changeable}});
    }
  };
  add(forebay::config::list_settings(*settings));
  add(forebay::config::list_entries(*settings));
  done(data_reply(std::move(all)));
}

void version(const CallPtr& call, const Done& done) {
  done(data_reply(json::object{{"version", FOREBAY_VERSION},
                               {"uptime_seconds", seconds_between(call->front.started_at(), call->now)}}));
}

}  // namespace handlers

}  // namespace forebay::http
