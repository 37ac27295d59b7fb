#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace forebay::monitor {

/// How fast things grow, by their sizes of the last day: one an hour is kept of each. Not thread safe.
class Growth {
 public:
  /// Each takes half a kilobyte.
  static constexpr std::size_t kMostNames = 1000;

  struct Rate {
    double bytes_per_day;
    double seconds;  ///< that it was seen over; from ten minutes to a day
  };

  void note(const std::string& name, TimePoint now, std::int64_t bytes);
  /// Nothing before ten minutes have been seen.
  std::optional<Rate> of(const std::string& name) const;

 private:
  struct Size {
    TimePoint at;
    std::int64_t bytes;
  };
  struct Sizes {
    std::deque<Size> hourly;  ///< the oldest first; never empty
    Size latest;
  };

  std::map<std::string, Sizes> sizes_;
};

}  // namespace forebay::monitor
