#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "observe/histogram.hpp"

namespace forebay::observe {

/// Writes metrics for Prometheus, family by family, in one of its two forms:
/// https://prometheus.io/docs/instrumenting/exposition_formats (text, version 0.0.4) and
/// https://github.com/OpenObservability/OpenMetrics/blob/main/specification/OpenMetrics.md (1.0).
///
///     Exposition page(Exposition::Form::text);
///     page.family("forebay_queries", Exposition::Kind::counter, "Queries that clients sent.");
///     page.sample({{"database", "shop"}}, 7);    // forebay_queries_total{database="shop"} 7
///     page.take();
///
/// Knows nothing of what the metrics say. A name is written as it is: [a-zA-Z_][a-zA-Z0-9_]*. Not thread
/// safe.
class Exposition {
 public:
  enum class Form : std::uint8_t { text, open_metrics };
  enum class Kind : std::uint8_t {
    counter,  ///< only grows; its samples are called NAME_total
    gauge,
    info,       ///< always 1, what it says is in its labels; its samples are called NAME_info
    histogram,  ///< of times in seconds; NAME_bucket, NAME_sum and NAME_count
  };
  struct Label {
    std::string_view name;
    std::string_view value;
  };
  using Labels = std::initializer_list<Label>;

  explicit Exposition(Form form) : form_(form) {}

  /// Begins a family. `name` is without the ending of its kind. When it ends with `unit`, a base unit such as
  /// "seconds" or "bytes", that is told too.
  void family(std::string_view name, Kind kind, std::string_view help, std::string_view unit = {});
  /// A sample of the family that was begun last. Its labels must differ from those of its others.
  void sample(Labels labels, double value);
  void sample(Labels labels, std::uint64_t value);
  /// All samples of a histogram with these labels.
  void sample(Labels labels, const HistogramSnapshot& times);

  /// The page; it is complete.
  std::string take();
  /// The media type that belongs to a form.
  static std::string_view content_type(Form form);
  /// What is sent to somebody with this `Accept` field: OpenMetrics when it is named there and is not wanted
  /// less than plain text.
  static Form form_for(std::string_view accept);

 private:
  void start_sample(Labels labels, std::string_view ending = {}, std::string_view bound = {});

  const Form form_;
  std::string page_;
  std::string sample_name_;
};

}  // namespace forebay::observe
