#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "alert/board.hpp"
#include "http/machine.hpp"
#include "http/process.hpp"
#include "http/webhook.hpp"
#include "pgfront/facts.hpp"
#include "pgfront/repetition_report.hpp"
#include "pgfront/statement_report.hpp"

namespace forebay::http {

class AlertWatch;

/// What there is to be told of alerts.
struct AlertFigures {
  std::vector<alert::Alert> active = {};
  std::vector<config::RuleInUse> rules = {};
  std::uint64_t left_out = 0;
  WebhookFigures webhook = {};
};

/// How many have no samples of their own in the metrics (bounded_labels.hpp).
struct LeftOut {
  std::size_t pools = 0;
  std::size_t users = 0;
  std::size_t databases = 0;
};

/// All that is told of the process at one time; what the metrics and the overview are made of.
struct Figures {
  backend::TrafficByDatabase traffic;
  pgfront::LatencyReports latencies;
  std::vector<engine::RepetitionCount> repetitions;
  std::vector<pgfront::PoolFacts> pools;
  pgfront::ClientFacts clients;
  pgfront::Lists lists;
  std::vector<pgfront::ObjectFacts> objects;
  std::vector<pgfront::DatabaseFacts> databases;
  std::vector<pgfront::QuotaFacts> users;
  std::vector<pgfront::ServerFacts> servers;
  std::vector<pgfront::CacheFacts> caches;  ///< without their entries; of the databases in use
  engine::CacheDirectory::Totals cached;    ///< since the start, of all databases
  cache::Store::Figures store;
  std::size_t store_capacity = 0;
  ProcessFacts process;
  MachineFacts machine;
  AlertFigures alerts;
  LeftOut left_out;
  std::uint64_t most_clients = 0;  ///< 0: any number
  std::uint64_t loops = 0;         ///< threads that serve clients
  bool is_paused = false;          ///< all databases together
  bool is_draining = false;
  bool is_ready = false;              ///< nothing speaks against sending clients here
  std::optional<double> ready_share;  ///< see alert::Uptime
  observe::Histogram health_answers;  ///< see HealthRecord
  std::uint64_t refused_logins = 0;
  double time = 0;  ///< when this was so, in seconds since 1970
};

/// `done` is called on the inquiring thread, later, unless the asker has gone. `watch` outlives the asker.
void gather_figures(const pgfront::Inquiry& inquiry, const AlertWatch& watch,
                    std::function<void(Figures& figures)> done);

}  // namespace forebay::http
