#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "backend/change_stream.hpp"
#include "cache/freshness.hpp"
#include "cache/store.hpp"
#include "config/settings.hpp"
#include "engine/flights.hpp"
#include "engine/policies.hpp"
#include "engine/refills.hpp"
#include "engine/statement_plan.hpp"
#include "engine/worth.hpp"

namespace forebay::engine {

class CacheDirectory;

/// The kept results of one database: how fresh they are, what its statements read, what was hit and missed.
/// Thread safe. Lives as long as any session of the database.
class DatabaseCache {
 public:
  struct Counters {
    std::atomic<std::uint64_t> hits = 0;
    std::atomic<std::uint64_t> misses = 0;        ///< of what could be kept
    std::atomic<std::uint64_t> waits = 0;         ///< for the answer to somebody else's query
    std::atomic<std::uint64_t> fills = 0;         ///< results that were kept
    std::atomic<std::uint64_t> refills = 0;       ///< asked by ourselves, before a client did
    std::atomic<std::uint64_t> stale = 0;         ///< entries found that writes had ended
    std::atomic<std::uint64_t> refused = 0;       ///< statements that cannot be kept
    std::atomic<std::uint64_t> saved_micros = 0;  ///< what the server took to answer what was hit
  };

  /// Begins to follow the changes of `database`, its name on the server of `target`. `directory` is the one
  /// that it belongs to, and outlives it. It goes on with `counters`, those of former caches of that
  /// database.
  DatabaseCache(CacheDirectory& directory, std::shared_ptr<cache::Store> store,
                std::shared_ptr<const backend::Target> target, std::string database,
                const config::Cache& rules, std::shared_ptr<const Policies> policies,
                std::shared_ptr<Counters> counters);

  std::uint64_t id() const { return id_; }  ///< unique in the process
  cache::Store& store() { return *store_; }
  cache::Freshness& freshness() { return freshness_; }
  const cache::Freshness& freshness() const { return freshness_; }
  const std::string& database() const { return database_; }
  /// The name of the server that it is on.
  const std::string& server() const { return server_; }
  Flights& flights() { return flights_; }
  Worth& worth() { return worth_; }
  Refills& refills() { return refills_; }
  Counters& counters() { return *counters_; }
  const Counters& counters() const { return *counters_; }
  std::shared_ptr<const Policies> policies() const { return policies_.load(std::memory_order_acquire); }
  void set_policies(std::shared_ptr<const Policies> policies) { policies_ = std::move(policies); }
  std::size_t max_entry() const { return max_entry_; }
  /// An entry that nobody may have any more.
  void remove_dead(const cache::Entry& entry);

  CacheDirectory& directory() { return directory_; }
  /// See backend::ChangeStream.
  void let_go() { stream_.let_go(); }
  void request_stop() { stream_.request_stop(); }
  bool has_ended() const { return stream_.has_ended(); }

  /// The present catalog; null while there is none, or when nobody has looked at it for longer than the
  /// bound. Remembered by each thread, so that a lock is taken once for each catalog. Valid until the next
  /// call.
  const cache::Catalog* recent_catalog() const;
  /// The plan of a text under the present catalog; null while there is none. Remembered by each thread.
  std::shared_ptr<const StatementPlan> plan_of(std::string_view text) const;
  std::shared_ptr<const StatementPlan> plan_of(const ReadRequest& request) const;

 private:
  std::shared_ptr<const StatementPlan> plan_of(std::string_view text,
                                               const sql::Fingerprint& fingerprint) const;

  CacheDirectory& directory_;
  const std::uint64_t id_;
  const std::shared_ptr<cache::Store> store_;
  const std::string database_;
  const std::string server_;
  std::atomic<std::shared_ptr<const Policies>> policies_;
  const std::size_t max_entry_;
  cache::Freshness freshness_;
  const std::shared_ptr<Counters> counters_;
  Flights flights_;
  Worth worth_;
  Refills refills_;
  backend::ChangeStream stream_;  ///< last: its thread uses freshness_
};

}  // namespace forebay::engine
