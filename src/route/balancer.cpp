#include "route/balancer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace forebay::route {

namespace {

/// How much slower than the fastest a server may be and still gets its share: so many times, or so many
/// microseconds, which may be chance.
constexpr double kMuchSlower = 2;
constexpr double kChance = 500;
/// The mean is that of about the last twenty answers, or of the last second if there were fewer.
constexpr double kNews = 0.05;
constexpr double kMemory = 1;
/// One answer that took very long, for a moment in which the machine stood still, tells little of the next:
/// it counts as so many times the mean at most, or as so many microseconds more. A server that is slow always
/// is known after some ten answers.
constexpr double kOutlier = 4;
constexpr double kOutlierChance = 1'000;
/// A server that is left out is tried again so often.
constexpr Duration kProbe{1'000};
/// So many reads one server may have had more than another, by weight, before clients move to the other: or
/// as many as come in so long. To move costs a client that asks without a break a wait for the other replica
/// to show as much, and the watch a hurried round.
constexpr double kPatience = 100;
constexpr Duration kPatienceTime{20};
/// So long reads are counted to know that.
constexpr Duration kWindow{100};
/// After a client that may wait for another server so long none may: the wait is over by then.
constexpr Duration kBetweenWaits{10};
/// So many times as much one that was away has good.
constexpr double kCredit = 3;
/// Of its weight, for a server that has just come back.
constexpr double kFirstShare = 0.1;

double weight_of(const Server& server, TimePoint now, Duration slow_start) {
  const double weight = server.weight;
  if (now - server.up_since >= slow_start) return weight;
  const double share =
      seconds_between(server.up_since, now) / (static_cast<double>(slow_start.count()) / 1e3);
  return weight * std::max(share, kFirstShare);
}

}  // namespace

void Balancer::begin(const Topology& topology) {
  generation_ = topology.generation;
  loads_.assign(topology.servers.size(), {});
  turn_ = 0;
  patience_ = kPatience;
  lately_ = 0;
}

/// What one more read would take there.
double Balancer::cost(std::size_t server) const {
  const Load& load = loads_[server];
  return load.mean_micros * (1.0 + load.under_way);
}

Balancer::Choice Balancer::choose(const Topology& topology, const Reader& reader, const Floor& floor,
                                  TimePoint now, std::optional<std::size_t> avoided) {
  follow(topology);
  if (topology.servers.empty()) return {};
  const config::Settings& settings = *topology.settings;
  const bool shares = settings.routing.primary_reads == config::PrimaryReads::share;
  const bool is_primary_up = topology.is_primary(State::up);
  const auto is_in_use = [&](std::size_t at) {
    const Server& server = topology.servers[at];
    const bool is_wanted = at == topology.primary ? shares : server.role == Role::replica;
    return is_wanted && server.state == State::up && server.weight > 0 && at != avoided;
  };
  const auto may_read = [&](std::size_t at) {
    if (at == topology.primary) return true;
    // What is published may be old: this thread, or whoever publishes, may have stood still.
    const bool is_fresh = !is_primary_up || now - topology.servers[at].covered <= settings.routing.max_lag;
    return is_fresh && reader.may_read(topology, at, floor);
  };
  const std::array<Limits, 2> limits_by_nearness = limits_of(topology, is_in_use);
  struct Best {
    std::optional<std::size_t> server = {};
    double turn = 0;
    double least_had = std::numeric_limits<double>::max();  ///< of any that may have its share
  };
  Best best_near;
  Best best_far;
  for (std::size_t at = 0; at < loads_.size(); ++at) {
    if (!is_in_use(at)) continue;
    const bool stays = reader.stays_with(topology, at);
    const bool at_near = topology.servers[at].is_near;
    const Limits& limits = limits_by_nearness[at_near];
    const bool is_slow = stays ? loads_[at].mean_micros > limits.mean : cost(at) > limits.cost;
    if (is_slow && now - loads_[at].used_at < kProbe) continue;
    Best& best = at_near ? best_near : best_far;
    best.least_had = std::min(best.least_had, had(at));
    if (!may_read(at)) continue;
    const double weight = weight_of(topology.servers[at], now, settings.health.slow_start);
    const double turn = had(at) + 1.0 / weight - (stays ? patience_ : 0);
    if (best.server && turn >= best.turn) continue;
    best.server = at;
    best.turn = turn;
  }
  const bool is_near = best_near.server.has_value();
  const Best& best = is_near ? best_near : best_far;
  if (!best.server) return {};
  const bool is_away = !is_near && best_near.least_had != std::numeric_limits<double>::max();
  return {best.server, is_away || had(*best.server) - best.least_had > patience_};
}

/// What a server may take that is to have its share: one that is not near, and one that is.
template <class IsInUse>
std::array<Balancer::Limits, 2> Balancer::limits_of(const Topology& topology,
                                                    const IsInUse& is_in_use) const {
  constexpr Limits kNone{std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  std::array<Limits, 2> limits{kNone, kNone};
  for (std::size_t at = 0; at < loads_.size(); ++at) {
    if (loads_[at].mean_micros == 0 || !is_in_use(at)) continue;
    Limits& least = limits[topology.servers[at].is_near];
    least.cost = std::min(least.cost, cost(at));
    least.mean = std::min(least.mean, loads_[at].mean_micros);
  }
  const auto slack = [](double value) { return std::max(value * kMuchSlower, value + kChance); };
  for (Limits& least : limits) least = {slack(least.cost), slack(least.mean)};
  return limits;
}

/// As if a server that was away had had almost as much as the others.
double Balancer::had(std::size_t server) const {
  return std::max(loads_[server].had, turn_ - kCredit * patience_);
}

bool Balancer::may_wait(TimePoint now) {
  if (now - waits_since_ < kBetweenWaits) return false;
  waits_since_ = now;
  return true;
}

void Balancer::note_start(const Topology& topology, std::size_t server, TimePoint now) {
  follow(topology);
  Load& load = loads_[server];
  ++load.under_way;
  load.used_at = now;
  load.had = had(server);
  turn_ = load.had;
  const double share = 1.0 / weight_of(topology.servers[server], now, topology.settings->health.slow_start);
  load.had += share;
  lately_ += share;
  if (now - lately_since_ >= kWindow) adapt(now);
}

void Balancer::adapt(TimePoint now) {
  const double windows = static_cast<double>((now - lately_since_) / kPatienceTime);
  patience_ = std::max(kPatience, lately_ / windows);
  lately_ = 0;
  lately_since_ = now;
}

void Balancer::note_end(std::uint64_t generation, std::size_t server, std::uint64_t micros, TimePoint now) {
  if (generation != generation_ || server >= loads_.size()) return;
  Load& load = loads_[server];
  if (load.under_way > 0) --load.under_way;
  if (micros == 0) return;
  const double age = seconds_between(load.known_at, now) / kMemory;
  load.known_at = now;
  // 1 - exp(-age) is less than age, which is little as a rule.
  const double mean = load.mean_micros;
  const double news = mean == 0 ? 1 : age <= kNews ? kNews : std::max(kNews, 1 - std::exp(-age));
  const double most =
      mean == 0 ? static_cast<double>(micros) : std::max(mean * kOutlier, mean + kOutlierChance);
  load.mean_micros += news * (std::min(static_cast<double>(micros), most) - mean);
}

}  // namespace forebay::route
