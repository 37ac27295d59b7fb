#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/traffic.hpp"
#include "base/clock.hpp"
#include "config/settings.hpp"
#include "engine/repetition.hpp"
#include "engine/statement_table.hpp"
#include "monitor/missing_index.hpp"
#include "monitor/samples.hpp"
#include "pgfront/facts.hpp"

/// What recommendations are made from. Nothing in this room asks anybody; the clock is the caller's.
namespace forebay::advise {

/// Why clients cannot be served.
struct Trouble {
  std::string_view code;
  std::string text;
};

/// A statement, and what the cache says of it.
struct StatementCount {
  sql::Fingerprint fingerprint;
  std::string_view database;  ///< lives as long as the process
  engine::TextPtr text;       ///< never null
  engine::StatementFigures figures = {};
  std::string refusal = {};  ///< why results of such a read are not kept; empty: they are, or nobody knows
  bool is_left_out = false;  ///< by a policy
  std::uint32_t kept = 0;    ///< results of late, of which were asked for again:
  std::uint32_t used_again = 0;  ///< see engine::Worth
};

/// All that is known at one time. Counters count since the start.
struct Moment {
  TimePoint at;
  double time = 0;               ///< the same in seconds since 1970
  config::SettingsPtr settings;  ///< never null
  std::vector<Trouble> troubles = {};
  std::vector<pgfront::DatabaseFacts> databases = {};
  std::vector<pgfront::ServerFacts> servers = {};
  std::vector<pgfront::PoolFacts> pools = {};
  std::vector<pgfront::CacheFacts> caches = {};
  backend::TrafficByDatabase traffic = {};
  std::uint64_t clients = 0;
  std::uint64_t most_clients = 0;  ///< 0: any number
  std::uint64_t store_bytes = 0;
  std::uint64_t store_capacity = 0;
  std::uint64_t evictions = 0;
  std::vector<StatementCount> statements = {};  ///< the dearest
  std::vector<engine::Repetition> repetitions = {};
  std::vector<monitor::MissingIndex> missing_indexes = {};
  monitor::SamplesPtr samples = {};  ///< null: none have been taken
};
using MomentPtr = std::shared_ptr<const Moment>;

std::string period_of(double seconds);  ///< "in the last 58 s"

/// Of one or more moments in their order, of which it sees the last and the difference to the first. The
/// moments outlive it.
class Evidence {
 public:
  explicit Evidence(std::span<const MomentPtr> moments) : moments_(moments) {}

  const Moment& now() const { return *moments_.back(); }
  const Moment& before() const { return *moments_.front(); }
  std::span<const MomentPtr> moments() const { return moments_; }
  /// That differences are of.
  double seconds() const { return seconds_between(before().at, now().at); }
  std::string period() const;  ///< see period_of

 private:
  std::span<const MomentPtr> moments_;
};

/// What a pool carried meanwhile; all of it when it is new.
backend::Traffic carried(const Evidence& evidence, const pgfront::PoolFacts& pool);
/// What clients of a database did meanwhile.
backend::Traffic carried(const Evidence& evidence, const std::string& database);
/// Queries to the databases that a cache stands for meanwhile.
double queries_beside(const Evidence& evidence, const pgfront::CacheFacts& cache);

/// What a statement came to meanwhile.
struct StatementGrowth {
  double calls = 0;
  double hits = 0;
  double seconds = 0;  ///< of servers
};
StatementGrowth grown(const Evidence& evidence, const StatementCount& statement);

struct RepetitionGrowth {
  double windows = 0;
  double executions = 0;
  double seconds = 0;
};
RepetitionGrowth grown(const Evidence& evidence, const engine::Repetition& repetition);

/// Null: it is not among those of that moment.
const StatementCount* find_statement(const Moment& moment, const sql::Fingerprint& fingerprint,
                                     std::string_view database);
const pgfront::CacheFacts* find_cache(const Moment& moment, std::string_view database,
                                      std::string_view server);

/// The connection by which a server is asked about itself; null: there is none that answers.
const monitor::Place* place_of_server(const Moment& moment, std::string_view server);
/// Likewise, a database of the primary.
const monitor::Place* place_of_database(const Moment& moment, std::string_view database);

/// What a place has told of a topic, last and at the first of the moments at which it had told of it, so many
/// seconds apart; nothing: it has told once at most.
struct ToldBetween {
  const boost::json::object* before;
  const boost::json::object* after;
  double seconds;
};
std::optional<ToldBetween> told_between(const Evidence& evidence, const monitor::Place& place,
                                        monitor::Topic topic);

}  // namespace forebay::advise
