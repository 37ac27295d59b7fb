#include "http/figures.hpp"

#include <memory>
#include <utility>

#include "base/wall_clock.hpp"
#include "http/alert_watch.hpp"
#include "http/readiness.hpp"

namespace forebay::http {

namespace {

/// What needs no other thread.
void look(Figures& figures, pgfront::Front& front, TimePoint now) {
  figures.traffic = front.directory().traffic();
  figures.lists = pgfront::lists_of(front);
  figures.objects = pgfront::object_facts(front, figures.clients);
  figures.databases = pgfront::database_facts(front);
  figures.users = pgfront::user_facts(front);
  figures.servers = pgfront::server_facts(front);
  figures.caches = pgfront::cache_facts(front, now, false);
  figures.cached = front.caches().totals();
  figures.store = front.caches().store().figures();
  figures.store_capacity = front.caches().store().capacity();
  figures.process = process_facts();
  figures.machine = machine_facts();
  figures.most_clients = front.settings()->limits.max_clients;
  figures.loops = front.directory().threads();
  figures.is_paused = front.directory().is_paused("");
  figures.is_draining = front.is_draining();
  figures.is_ready = troubles_of(front).empty();
  figures.refused_logins = front.refused_logins();
  figures.time = unix_time();
}

}  // namespace

void gather_figures(const pgfront::Inquiry& inquiry, const AlertWatch& watch,
                    std::function<void(Figures& figures)> done) {
  auto figures = std::make_shared<Figures>();
  const auto on_repetitions = [inquiry, figures, &watch,
                               done = std::move(done)](std::vector<engine::RepetitionCount> counts) {
    figures->repetitions = std::move(counts);
    look(*figures, inquiry.front, inquiry.now);
    figures->alerts = watch.figures();
    figures->ready_share = watch.health().ready.share();
    figures->health_answers = watch.health().answers;
    done(*figures);
  };
  const auto on_latencies = [inquiry, figures, on_repetitions](const pgfront::LatencyReports& latencies) {
    figures->latencies = latencies;
    pgfront::gather_repetition_counts(inquiry, on_repetitions);
  };
  const auto on_pools = [inquiry, figures, on_latencies](std::vector<pgfront::PoolFacts> pools) {
    figures->pools = std::move(pools);
    pgfront::gather_latencies(inquiry, on_latencies);
  };
  pgfront::gather_clients(inquiry, [inquiry, figures, on_pools](const pgfront::ClientFacts& clients) {
    figures->clients = clients;
    pgfront::gather_pools(inquiry, false, on_pools);
  });
}

}  // namespace forebay::http
