#include "http/otlp_metrics.hpp"

#include <cmath>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

namespace forebay::http {

namespace {

namespace json = boost::json;

/// AGGREGATION_TEMPORALITY_CUMULATIVE
constexpr int kCumulative = 2;

json::object attribute(std::string_view key, std::string_view value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

std::string nanoseconds(double seconds) {
  // As doubles have it, to the microsecond.
  return fmt::format("{}000", static_cast<std::int64_t>(std::llround(seconds * 1e6)));
}

/// https://ucum.org/ucum, as https://opentelemetry.io/docs/specs/semconv/general/metrics/ asks for.
std::string_view ucum(std::string_view unit) {
  if (unit == "seconds") return "s";
  return unit == "bytes" ? "By" : "1";
}

}  // namespace

OtlpMetrics::OtlpMetrics(std::string instance, double started, double now)
    : instance_(std::move(instance)), started_(nanoseconds(started)), now_(nanoseconds(now)) {}

void OtlpMetrics::family(std::string_view name, Kind kind, std::string_view help, std::string_view unit) {
  end_family();
  kind_ = kind;
  metric_ = {{"name", name}, {"description", help}, {"unit", kind == Kind::histogram ? "s" : ucum(unit)}};
}

void OtlpMetrics::end_family() {
  json::object data{{"dataPoints", std::exchange(points_, {})}};
  if (metric_.empty() || data["dataPoints"].get_array().empty()) return;
  if (kind_ == Kind::counter || kind_ == Kind::histogram) data["aggregationTemporality"] = kCumulative;
  if (kind_ == Kind::counter) data["isMonotonic"] = true;
  const bool is_sum = kind_ == Kind::counter;
  metric_[is_sum ? "sum" : kind_ == Kind::histogram ? "histogram" : "gauge"] = std::move(data);
  metrics_.push_back(std::exchange(metric_, {}));
}

json::object OtlpMetrics::point(Labels labels) const {
  json::array attributes;
  for (const Label& label : labels) attributes.push_back(attribute(label.name, label.value));
  json::object made{{"timeUnixNano", now_}, {"attributes", std::move(attributes)}};
  if (kind_ == Kind::counter || kind_ == Kind::histogram) made["startTimeUnixNano"] = started_;
  return made;
}

void OtlpMetrics::add(json::object point) {
  points_.push_back(std::move(point));
}

void OtlpMetrics::sample(Labels labels, double value) {
  if (!std::isfinite(value)) return;  // JSON has no word for it, and it tells nothing
  json::object made = point(labels);
  made["asDouble"] = value;
  add(std::move(made));
}

void OtlpMetrics::sample(Labels labels, std::uint64_t value) {
  json::object made = point(labels);
  made["asInt"] = fmt::format_int(value).c_str();
  add(std::move(made));
}

void OtlpMetrics::sample(Labels labels, const observe::Histogram& times) {
  constexpr double kSecond = 1e6;
  json::object made = point(labels);
  json::array bounds;
  json::array counts;
  std::uint64_t below = 0;
  const auto count = [&](std::uint64_t up_to) {
    counts.emplace_back(fmt::format_int(up_to - below).c_str());
    below = up_to;
  };
  for (const auto& bucket : times.cumulative()) {
    bounds.emplace_back(static_cast<double>(bucket.bound_micros) / kSecond);
    count(bucket.count);
  }
  count(times.count());
  made["count"] = fmt::format_int(times.count()).c_str();
  made["sum"] = static_cast<double>(times.sum()) / kSecond;
  made["bucketCounts"] = std::move(counts);
  made["explicitBounds"] = std::move(bounds);
  add(std::move(made));
}

json::object OtlpMetrics::take() {
  end_family();
  json::array about{attribute("service.name", "forebay"), attribute("service.version", FOREBAY_VERSION),
                    attribute("service.instance.id", instance_)};
  json::object scope{{"scope", {{"name", "forebay"}, {"version", FOREBAY_VERSION}}},
                     {"metrics", std::exchange(metrics_, {})}};
  json::object resource{{"resource", json::object{{"attributes", std::move(about)}}},
                        {"scopeMetrics", json::array{std::move(scope)}}};
  return {{"resourceMetrics", json::array{std::move(resource)}}};
}

}  // namespace forebay::http
