#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace forebay::monitor {

/// How finely a figure is kept, and for how long.
struct Resolution {
  std::uint32_t seconds;  ///< of one point
  std::uint32_t points;

  constexpr std::uint32_t span() const { return seconds * points; }
};
/// The finest first: ten minutes, two hours, a week.
inline constexpr std::array<Resolution, 3> kResolutions = {{{1, 600}, {10, 720}, {300, 2016}}};

/// What a figure was during one stretch of time.
struct Point {
  float mean;  ///< or the figure of all of it; not a number: nothing was known, as are the other two then
  float least;
  float most;
};
static_assert(sizeof(Point) == 12);

/// The number of the stretch of so many seconds that an instant falls into, counted from the clock's epoch.
std::int64_t stretch_of(TimePoint now, std::uint32_t seconds);

/// One figure over time, in all resolutions at once. Its memory is taken at once and never grows: kBytes.
class Series {
 public:
  static constexpr std::size_t kBytes =
      (kResolutions[0].points + kResolutions[1].points + kResolutions[2].points) * sizeof(Point);

  Series();

  /// A mean of several gives each the weight that it comes with: the number of queries, for a latency. Times
  /// must not go back.
  void add(TimePoint now, double value, double weight);
  /// What something was per second since `since`: it counts for as much of a stretch as it covers. Whoever
  /// looked late must not make all of that stretch what he saw at last.
  void add_rate(TimePoint since, TimePoint now, double value);
  /// Of what no mean can be made, such as a percentile: what it is of the stretch so far, for each
  /// resolution. Least and most are those of the finest.
  void set(TimePoint now, const std::array<double, kResolutions.size()>& of_stretches);
  TimePoint last() const { return last_; }

  /// `count` points of kResolutions[resolution], the last being that of `now`, which may not be complete.
  std::vector<Point> points(std::size_t resolution, TimePoint now, std::size_t count) const;

 private:
  struct Ring {
    std::vector<Point> points;
    std::int64_t newest = 0;  ///< the number of its stretch of time, counted from the clock's epoch
    double sum = 0;           ///< of the newest, as all below
    double weight = 0;
    double least = std::numeric_limits<double>::infinity();
    double most = -std::numeric_limits<double>::infinity();
  };

  static void begin(Ring& ring, std::int64_t stretch);
  static void weigh(Ring& ring, double value, double weight);
  static void put(Ring& ring, double value, double mean);

  std::array<Ring, kResolutions.size()> rings_;
  TimePoint last_{};
};

/// Figures by name: `queries`, or `lag_ms/db2:5432` for one of several. So many are kept and no more; a new
/// one takes the place of one that has been silent for an hour, if there is any. Not thread safe.
class History {
 public:
  /// Of servers and databases, whose names come behind a `/`: 2.6 MB in all. Forebay's own, two dozen at
  /// most, always find room: many servers must not take that of a figure which has not come yet.
  static constexpr std::size_t kMostSeries = 64;

  void add(const std::string& name, TimePoint now, double value, double weight = 1);
  /// See Series::add_rate.
  void add_rate(const std::string& name, TimePoint since, TimePoint now, double value);
  /// See Series::set.
  void set(const std::string& name, TimePoint now,
           const std::array<double, kResolutions.size()>& of_stretches);
  /// Null: there is no such figure (yet).
  const Series* find(const std::string& name) const;
  std::vector<std::string> names() const;

  /// The finest resolution that goes back so far; the coarsest, when none does.
  static std::size_t resolution_for(std::uint64_t seconds);

 private:
  Series* find_or_make(const std::string& name, TimePoint now);
  bool make_room(TimePoint now);

  std::map<std::string, Series> series_;
};

}  // namespace forebay::monitor
