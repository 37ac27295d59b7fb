#include "pgfront/stats_sampler.hpp"

#include <algorithm>

namespace forebay::pgfront {

namespace {

backend::Traffic traffic_of(const backend::TrafficByDatabase& totals, const std::string& database) {
  const auto at = totals.find(database);
  return at == totals.end() ? backend::Traffic() : at->second;
}

backend::Traffic sum_of(const backend::TrafficByDatabase& totals) {
  backend::Traffic sum;
  for (const auto& [database, traffic] : totals) sum += traffic;
  return sum;
}

std::uint64_t per(std::uint64_t amount, std::uint64_t count) {
  return count == 0 ? 0 : amount / count;
}

}  // namespace

void StatsSampler::sample(TimePoint now, backend::TrafficByDatabase totals) {
  const std::lock_guard lock(mutex_);
  seconds_ = seconds_between(period_start_, now);
  period_start_ = now;
  before_ = std::move(after_);
  after_ = std::move(totals);
}

backend::Traffic StatsSampler::average(const std::string& database, const backend::Traffic& total,
                                       TimePoint now) const {
  const std::lock_guard lock(mutex_);
  if (seconds_ == 0) return average({}, total, seconds_between(period_start_, now));
  return average(traffic_of(before_, database), traffic_of(after_, database), seconds_);
}

backend::Traffic StatsSampler::average_of_all(const backend::Traffic& total, TimePoint now) const {
  const std::lock_guard lock(mutex_);
  if (seconds_ == 0) return average({}, total, seconds_between(period_start_, now));
  return average(sum_of(before_), sum_of(after_), seconds_);
}

backend::Traffic StatsSampler::average(const backend::Traffic& before, const backend::Traffic& after,
                                       double seconds) {
  const backend::Traffic come = after.since(before);
  const auto per_second = [&](auto field) {
    return static_cast<std::uint64_t>(static_cast<double>(come.*field) / std::max(seconds, 0.001));
  };
  using T = backend::Traffic;
  return {.assignments = per_second(&T::assignments),
          .transactions = per_second(&T::transactions),
          .queries = per_second(&T::queries),
          .bytes_received = per_second(&T::bytes_received),
          .bytes_sent = per_second(&T::bytes_sent),
          .transaction_micros = per(come.transaction_micros, come.transactions),
          .query_micros = per(come.query_micros, come.queries),
          .wait_micros = per(come.wait_micros, come.checkouts()),
          .client_parses = per_second(&T::client_parses),
          .server_parses = per_second(&T::server_parses),
          .binds = per_second(&T::binds)};
}

}  // namespace forebay::pgfront
