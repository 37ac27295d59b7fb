#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "observe/histogram.hpp"

namespace forebay::observe {

/// Who takes metrics, family by family, and makes some form of them.
///
///     sink.family("forebay_queries", MetricSink::Kind::counter, "Queries that clients sent.");
///     sink.sample({{"database", "shop"}}, std::uint64_t{7});
///
/// Knows nothing of what the metrics say. A name is taken as it is: [a-zA-Z_][a-zA-Z0-9_]*. Not thread safe.
class MetricSink {
 public:
  enum class Kind : std::uint8_t {
    counter,  ///< only grows
    gauge,
    info,       ///< always 1, what it says is in its labels
    histogram,  ///< of times in seconds
  };
  struct Label {
    std::string_view name;
    std::string_view value;
  };
  using Labels = std::initializer_list<Label>;

  virtual ~MetricSink() = default;

  /// Begins a family. `name` is without the ending of its kind. When it ends with `unit`, a base unit such as
  /// "seconds" or "bytes", that is told too.
  virtual void family(std::string_view name, Kind kind, std::string_view help,
                      std::string_view unit = {}) = 0;
  /// A sample of the family that was begun last. Its labels must differ from those of its others.
  virtual void sample(Labels labels, double value) = 0;
  virtual void sample(Labels labels, std::uint64_t value) = 0;
  /// All samples of a histogram with these labels.
  virtual void sample(Labels labels, const Histogram& times) = 0;
};

}  // namespace forebay::observe
