#pragma once

#include "monitor/history_writer.hpp"
#include "monitor/samples.hpp"
#include "observe/metric_sink.hpp"

namespace forebay::http {

/// What the servers say of themselves, as metrics. Labels are names of servers, databases, standbys and
/// slots, at most a hundred of each, and PostgreSQL's own words. Of a server that does not answer there is
/// only that it does not: the last figures are none of now.
void write_samples(observe::MetricSink& page, const monitor::Samples& samples);

/// How writing the history into the database goes; zeros where that is not asked for.
void write_history_writing(observe::MetricSink& page, const monitor::HistoryWriting& writing);

}  // namespace forebay::http
