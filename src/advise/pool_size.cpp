// A pool that is full while clients wait for it.

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "advise/kinds.hpp"
#include "advise/pool_waits.hpp"
#include "advise/words.hpp"
#include "config/yaml_writer.hpp"
#include "monitor/reading.hpp"

namespace forebay::advise {

namespace {

/// When clients waited, the pool was full at so many of the looks: then its size is the cause.
constexpr double kFullShare = 0.5;
/// From so long a mean wait on, people notice it with each page.
constexpr double kUrgentMs = 100;
/// superuser_reserved_connections, by default.
constexpr double kReserved = 3;

/// Connections that the server has left; nothing: it has not said.
std::optional<double> room_of(const Moment& moment, const std::string& server) {
  const monitor::Place* place = place_of_server(moment, server);
  if (place == nullptr) return std::nullopt;
  const auto most = monitor::number_in(place->current(monitor::Topic::about, moment.at), "max_connections");
  const auto used = monitor::number_in(place->current(monitor::Topic::activity, moment.at), "connections");
  if (!most || !used) return std::nullopt;
  return std::max(*most - *used - kReserved, 0.0);
}

/// Where the pool's size is written, as lines of the configuration.
std::string yaml_of(const config::Settings& settings, const pgfront::PoolFacts& pool, double more) {
  const auto user = settings.users.find(pool.user);
  const auto* database = config::database_entry(settings, pool.database);
  std::uint32_t size = settings.limits.pool_size;
  std::string_view list;
  std::string entry;
  if (database != nullptr && database->pool.pool_size) {
    size = *database->pool.pool_size;
    list = "databases";
    entry = settings.databases.contains(pool.database) ? pool.database : "*";
  }
  if (user != settings.users.end() && user->second.pool.pool_size) {
    size = *user->second.pool.pool_size;
    list = "users";
    entry = pool.user;
  }
  const auto wanted = static_cast<double>(size) + more;
  if (list.empty()) return fmt::format("pool:\n  size: {:.0f}", wanted);
  return fmt::format("{}:\n  {}:\n    pool:\n      size: {:.0f}", list, config::yaml_text(entry), wanted);
}

Recommendation made_of(const Evidence& evidence, const pgfront::PoolFacts& pool, const PoolWaits& waits) {
  Recommendation made{
      .id = id_of(kPoolSize.name, name_of(pool)),
      .urgency = waits.is_waiting_now || waits.mean_ms >= kUrgentMs ? Urgency::now : Urgency::soon,
      .subject = {{"database", pool.database}, {"user", pool.user}, {"server", pool.server}},
      .area = "pools"};
  made.subject["use"] = pool.is_for_reads ? "reads" : "all";
  const std::string held =
      pool.held > 0 ? fmt::format("; {} of the clients keep theirs between transactions", pool.held) : "";
  made.evidence =
      fmt::format("{:.2g} clients waited on average {}, {} for each of {}; {} of {} backends are in use{}.",
                  waits.waiting, evidence.period(), milliseconds(waits.mean_ms),
                  some(waits.checkouts, "checkout", "checkouts"), pool.in_use(), pool.most_backends, held);
  made.gain = {.value = waits.waiting * 3600, .unit = Unit::client_seconds_per_hour};
  made.gain.text = fmt::format("up to {} less waiting for each checkout, {}", milliseconds(waits.mean_ms),
                               text_of(made.gain.value, made.gain.unit));
  // Little's law: as many as waited on average would have had one.
  double more = std::max(std::ceil(waits.waiting), 1.0);
  const auto room = room_of(evidence.now(), pool.server);
  if (room && *room < 1) {
    made.title = fmt::format("Shorten what holds the backends of {}", name_of(pool));
    made.advice =
        "The server has no connection left for more (max_connections): shorten the transactions, or let the "
        "server take more.";
    return made;
  }
  made.title = fmt::format("Give the pool of {} more backends", name_of(pool));
  made.advice =
      "As far as the server has processors for it; or shorten the transactions that hold the backends.";
  if (room && *room < more) {
    more = *room;
    made.advice += fmt::format(" The server has {} left.", some(*room, "connection", "connections"));
  }
  made.change = {Form::yaml, yaml_of(*evidence.now().settings, pool, more)};
  return made;
}

std::vector<Recommendation> find(const Evidence& evidence) {
  std::vector<Recommendation> all;
  if (evidence.seconds() < kLeastSeconds) return all;
  for (const auto& pool : evidence.now().pools) {
    const PoolWaits waits = waits_of(evidence, pool);
    if (!pool.is_paused && are_felt(waits) && waits.full >= kFullShare)
      all.push_back(made_of(evidence, pool, waits));
  }
  return all;
}

std::optional<Measure> measure(const Evidence& evidence, const Recommendation& about) {
  const auto& pools = evidence.now().pools;
  const auto at = std::ranges::find_if(pools, [&](const pgfront::PoolFacts& pool) {
    return about.id == id_of(kPoolSize.name, name_of(pool));
  });
  if (at == pools.end()) return std::nullopt;
  const backend::Traffic traffic = carried(evidence, *at);
  return Measure{.amount = static_cast<double>(traffic.wait_micros) / 1e3,
                 .weight = static_cast<double>(traffic.checkouts()),
                 .traffic = static_cast<double>(traffic.checkouts()),
                 .setting = std::to_string(at->most_backends)};
}

}  // namespace

constinit const Kind kPoolSize = {.name = "pool-size",
                                  .find = find,
                                  .figure = "waiting for each checkout",
                                  .unit = Unit::milliseconds,
                                  .measure = measure};

}  // namespace forebay::advise
