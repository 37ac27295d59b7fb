#pragma once

#include <mutex>
#include <string>

#include "backend/traffic.hpp"
#include "base/clock.hpp"

namespace forebay::pgfront {

/// Averages of what has been carried, as PgBouncer defines them: counts and bytes per second, times per
/// transaction, per query and per assignment, in microseconds.
///
/// They cover the last complete period; until the first is complete, the time since the start. Somebody else
/// keeps the time: sample() ends a period. Thread safe.
class StatsSampler {
 public:
  /// PgBouncer's default stats_period.
  static constexpr Duration kPeriod{60'000};

  explicit StatsSampler(TimePoint start) : period_start_(start) {}

  /// Ends the period: `totals` is all that was carried until `now`.
  void sample(TimePoint now, backend::TrafficByDatabase totals);

  /// Averages of one database, whose traffic until `now` is `total`.
  backend::Traffic average(const std::string& database, const backend::Traffic& total, TimePoint now) const;
  /// Averages of all databases together.
  backend::Traffic average_of_all(const backend::Traffic& total, TimePoint now) const;

  /// Averages over `seconds` in which traffic went from `before` to `after`.
  static backend::Traffic average(const backend::Traffic& before, const backend::Traffic& after,
                                  double seconds);

 private:
  mutable std::mutex mutex_;
  TimePoint period_start_;             ///< guarded by mutex_, as all below
  double seconds_ = 0;                 ///< length of the last complete period; 0: there is none
  backend::TrafficByDatabase before_;  ///< at its start
  backend::TrafficByDatabase after_;   ///< at its end
};

}  // namespace forebay::pgfront
