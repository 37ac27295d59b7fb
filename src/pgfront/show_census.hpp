#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backend/pool.hpp"
#include "pgfront/client.hpp"
#include "pgfront/worker.hpp"

namespace forebay::pgfront {

/// What a backend does at present, in PgBouncer's words.
enum class BackendState : std::uint8_t {
  active,  ///< lent to a client
  idle,
  used,            ///< idle for so long that it is tested before it is lent
  tested,          ///< in use for a question of our own, or being cleaned
  login,           ///< being opened
  being_canceled,  ///< idle, but a cancel that was meant for it is still on its way
};

/// The clients and backends of one thread, and which belong together. Valid within the loop's round; used by
/// the thread that it was made on.
class Census {
 public:
  Census(Worker& worker, TimePoint now);

  struct BackendEntry {
    const backend::Backend* backend;
    const Client* client;  ///< whom it is lent to; null: nobody, or we
    BackendState state;
  };

  const std::vector<Client*>& clients() const { return clients_; }
  const std::vector<BackendEntry>& backends() const { return backends_; }
  /// Keeps the pools of the entries alive.
  const std::vector<std::shared_ptr<backend::Pool>>& pools() const { return pools_; }

 private:
  static BackendState state_of(const backend::Backend& backend, bool has_client, TimePoint now);

  std::vector<Client*> clients_;
  std::vector<std::shared_ptr<backend::Pool>> pools_;
  std::vector<BackendEntry> backends_;
};

}  // namespace forebay::pgfront
