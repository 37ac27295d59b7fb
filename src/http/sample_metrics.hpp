#pragma once

#include "monitor/samples.hpp"
#include "observe/metric_sink.hpp"

namespace forebay::http {

/// What the servers say of themselves, as metrics. Labels are names of servers, databases, standbys and
/// slots, at most a hundred of each, and PostgreSQL's own words. Of a server that does not answer there is
/// only that it does not: the last figures are none of now.
void write_samples(observe::MetricSink& page, const monitor::Samples& samples);

}  // namespace forebay::http
