#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "observe/metric_sink.hpp"

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
/// Samples of counters are called NAME_total, those that inform NAME_info, those of histograms NAME_bucket,
/// NAME_sum and NAME_count. Not thread safe.
class Exposition final : public MetricSink {
 public:
  enum class Form : std::uint8_t { text, open_metrics };

  explicit Exposition(Form form) : form_(form) {}

  void family(std::string_view name, Kind kind, std::string_view help, std::string_view unit = {}) override;
  void sample(Labels labels, double value) override;
  void sample(Labels labels, std::uint64_t value) override;
  void sample(Labels labels, const Histogram& times) override;

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
