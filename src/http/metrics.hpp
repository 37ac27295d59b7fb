#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/figures.hpp"
#include "monitor/watched.hpp"
#include "observe/exposition.hpp"

namespace forebay::http {

/// Writes some families of metrics. Labels are names of databases, users, servers and states, never texts of
/// statements: as many as the configuration and the clients' logins make, and bounded_labels.hpp allows.
using Collector = void (*)(observe::MetricSink& page, const Figures& figures);

/// All of them, in the order of the page. Another room's figures get a collector of their own here.
const std::vector<Collector>& collectors();

/// All metrics, what the servers say of themselves at the end.
void write_metrics(observe::MetricSink& to, const Figures& figures, const monitor::Watched& watched);
std::string metrics_page(const Figures& figures, const monitor::Watched& watched,
                         observe::Exposition::Form form);

}  // namespace forebay::http
