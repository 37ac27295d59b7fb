#include "http/alert_metrics.hpp"

#include <algorithm>

namespace forebay::http {

using Kind = observe::MetricSink::Kind;

void write_machine(observe::MetricSink& page, const Figures& figures) {
  const MachineFacts& machine = figures.machine;
  page.family("forebay_machine_memory_bytes", Kind::gauge, "Memory of the machine, or of the container.",
              "bytes");
  page.sample({}, machine.memory_bytes);
  page.family("forebay_machine_memory_available_bytes", Kind::gauge,
              "Memory that new programs could have without swapping.", "bytes");
  page.sample({}, machine.available_bytes);
  page.family("forebay_machine_cpu_seconds", Kind::counter, "Time of all processors of the machine together.",
              "seconds");
  page.sample({{"mode", "busy"}}, machine.busy_seconds);
  page.sample({{"mode", "idle"}}, machine.idle_seconds);
}

void write_alerts(observe::MetricSink& page, const Figures& figures) {
  const AlertFigures& alerts = figures.alerts;
  page.family("forebay_alerts", Kind::gauge, "Active alerts of a rule by level.");
  for (const config::RuleInUse& rule : alerts.rules) {
    for (const auto level : config::kAlertLevels) {
      if (!rule.thresholds[static_cast<std::size_t>(level)]) continue;
      for (const bool is_acknowledged : {false, true}) {
        const auto count = std::ranges::count_if(alerts.active, [&](const alert::Alert& alert) {
          return alert.rule == rule.name && alert.level == level &&
                 alert.acknowledged.has_value() == is_acknowledged;
        });
        page.sample({{"alert", rule.name},
                     {"level", config::name_of(level)},
                     {"state", is_acknowledged ? "acknowledged" : "active"}},
                    static_cast<std::uint64_t>(count));
      }
    }
  }
  page.family("forebay_alerts_left_out", Kind::counter,
              "Values beyond a threshold that were not watched, because 100 of their rule are at a time.");
  page.sample({}, alerts.left_out);
  page.family("forebay_webhook_deliveries", Kind::counter,
              "Deliveries to alerts.webhook.url: that arrived, attempts that did not, and those given up.");
  page.sample({{"result", "sent"}}, alerts.webhook.sent);
  page.sample({{"result", "failed"}}, alerts.webhook.failed);
  page.sample({{"result", "dropped"}}, alerts.webhook.dropped);
}

}  // namespace forebay::http
