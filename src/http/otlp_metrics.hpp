#pragma once

#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "observe/metric_sink.hpp"

namespace forebay::http {

/// Makes what OTLP sends as metrics, in JSON: an ExportMetricsServiceRequest of
/// https://github.com/open-telemetry/opentelemetry-proto/blob/v1.3.2/opentelemetry/proto/collector/metrics/v1/metrics_service.proto
/// as https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding has it, where 64-bit numbers are
/// texts.
///
/// Names are those of the page for Prometheus, without its endings for kinds; units are UCUM's (s, By).
/// Counters and histograms are cumulative, since the process began. Not thread safe.
class OtlpMetrics final : public observe::MetricSink {
 public:
  /// In seconds since 1970. `instance`: how this Forebay is told from others.
  OtlpMetrics(std::string instance, double started, double now);

  void family(std::string_view name, Kind kind, std::string_view help, std::string_view unit) override;
  void sample(Labels labels, double value) override;
  void sample(Labels labels, std::uint64_t value) override;
  void sample(Labels labels, const observe::Histogram& times) override;

  /// The request; it is complete.
  boost::json::object take();

 private:
  boost::json::object point(Labels labels) const;
  void add(boost::json::object point);
  void end_family();

  const std::string instance_;
  const std::string started_;
  const std::string now_;
  Kind kind_ = Kind::gauge;
  boost::json::object metric_;
  boost::json::array points_;
  boost::json::array metrics_;
};

}  // namespace forebay::http
