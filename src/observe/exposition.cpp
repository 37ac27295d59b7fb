#include "observe/exposition.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "base/utf8.hpp"

namespace forebay::observe {

namespace {

std::string_view ending(Exposition::Kind kind) {
  switch (kind) {
    case Exposition::Kind::counter:
      return "_total";
    case Exposition::Kind::info:
      return "_info";
    case Exposition::Kind::gauge:
    case Exposition::Kind::histogram:
      break;
  }
  return {};
}

std::string_view name_of(Exposition::Kind kind, bool is_open) {
  switch (kind) {
    case Exposition::Kind::counter:
      return "counter";
    case Exposition::Kind::info:
      return is_open ? "info" : "gauge";
    case Exposition::Kind::histogram:
      return "histogram";
    case Exposition::Kind::gauge:
      break;
  }
  return "gauge";
}

/// Backslashes, ends of lines and, in labels and in all of OpenMetrics, double quotes.
void append_escaped(std::string& to, std::string_view text, bool escapes_quotes) {
  for (const char c : text) {
    if (c == '\n') {
      to += "\\n";
      continue;
    }
    if (c == '\\' || (c == '"' && escapes_quotes)) to += '\\';
    to += c;
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Cuts the part in front of the next `separator` off.
std::string_view next_part(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return trimmed(part);
}

double weight_of(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = next_part(parameters, ';');
    if (!parameter.starts_with("q=")) continue;
    parameter.remove_prefix(2);
    double weight = 0;
    const auto end = std::from_chars(parameter.data(), parameter.data() + parameter.size(), weight);
    return end.ec == std::errc() && weight >= 0 && weight <= 1 ? weight : 0;
  }
  return 1;
}

}  // namespace

void Exposition::family(std::string_view name, Kind kind, std::string_view help, std::string_view unit) {
  const bool is_open = form_ == Form::open_metrics;
  sample_name_ = name;
  sample_name_ += ending(kind);
  // The older form knows a counter by the name of its samples.
  const std::string_view family = is_open ? name : std::string_view(sample_name_);
  fmt::format_to(std::back_inserter(page_), "# HELP {} ", family);
  append_escaped(page_, help, is_open);
  fmt::format_to(std::back_inserter(page_), "\n# TYPE {} {}\n", family, name_of(kind, is_open));
  const bool ends_with_unit = !unit.empty() && name.ends_with(unit) && name.size() > unit.size() &&
                              name[name.size() - unit.size() - 1] == '_';
  if (is_open && ends_with_unit) fmt::format_to(std::back_inserter(page_), "# UNIT {} {}\n", family, unit);
}

/// `ending`: of the name. `bound`: of a bucket, its label `le`; empty: none.
void Exposition::start_sample(Labels labels, std::string_view ending, std::string_view bound) {
  page_.append(sample_name_).append(ending);
  char before = '{';
  for (const Label& label : labels) {
    page_ += before;
    page_.append(label.name).append("=\"");
    // Names are of any encoding, and one that is no UTF-8 would make the whole page unreadable.
    append_escaped(page_, is_utf8(label.value) ? label.value : std::string_view(as_utf8(label.value)), true);
    page_ += '"';
    before = ',';
  }
  if (!bound.empty()) fmt::format_to(std::back_inserter(page_), "{}le=\"{}\"", before, bound);
  if (labels.size() > 0 || !bound.empty()) page_ += '}';
  page_ += ' ';
}

void Exposition::sample(Labels labels, double value) {
  start_sample(labels);
  if (std::isnan(value)) {
    page_ += "NaN\n";
  } else if (std::isinf(value)) {
    page_ += value > 0 ? "+Inf\n" : "-Inf\n";
  } else {
    fmt::format_to(std::back_inserter(page_), "{}\n", value);
  }
}

void Exposition::sample(Labels labels, std::uint64_t value) {
  start_sample(labels);
  fmt::format_to(std::back_inserter(page_), "{}\n", value);
}

void Exposition::sample(Labels labels, const Histogram& times) {
  constexpr double kSecond = 1e6;
  const auto count = [this](std::uint64_t value) {
    fmt::format_to(std::back_inserter(page_), "{}\n", value);
  };
  for (const Histogram::Cumulative& bucket : times.cumulative()) {
    start_sample(labels, "_bucket", fmt::format("{}", static_cast<double>(bucket.bound_micros) / kSecond));
    count(bucket.count);
  }
  start_sample(labels, "_bucket", "+Inf");
  count(times.count());
  start_sample(labels, "_sum");
  fmt::format_to(std::back_inserter(page_), "{}\n", static_cast<double>(times.sum()) / kSecond);
  start_sample(labels, "_count");
  count(times.count());
}

std::string Exposition::take() {
  if (form_ == Form::open_metrics) page_ += "# EOF\n";
  return std::move(page_);
}

std::string_view Exposition::content_type(Form form) {
  return form == Form::text ? "text/plain; version=0.0.4; charset=utf-8"
                            : "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

Exposition::Form Exposition::form_for(std::string_view accept) {
  double open = 0;
  double text = 0;
  while (!accept.empty()) {
    std::string_view parameters = next_part(accept, ',');
    const std::string_view type = next_part(parameters, ';');
    if (type == "application/openmetrics-text") open = std::max(open, weight_of(parameters));
    if (type == "text/plain") text = std::max(text, weight_of(parameters));
  }
  return open > 0 && open >= text ? Form::open_metrics : Form::text;
}

}  // namespace forebay::observe
