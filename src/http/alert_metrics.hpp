#pragma once

#include "http/figures.hpp"
#include "observe/metric_sink.hpp"

/// Collectors of metrics.cpp: the machine, and alerts.
namespace forebay::http {

void write_machine(observe::MetricSink& page, const Figures& figures);
/// A sample for each rule in use and each of its levels, also when there is no alert.
void write_alerts(observe::MetricSink& page, const Figures& figures);

}  // namespace forebay::http
