#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "config/settings.hpp"
#include "net/socket.hpp"
#include "route/board.hpp"
#include "route/roll_call.hpp"

namespace forebay::backend {

/// The servers of the main cluster: the upstream comes first, the replicas behind it in their order.
std::vector<config::Upstream> servers_of(const config::Settings& settings);

/// Asks every server of the cluster how it is, over a connection of its own to each, and publishes what comes
/// of it. No client ever waits for one of its questions, and none waits for another server's answer. One
/// thread, one poll() over all connections. The primary is asked first and the replicas right after its
/// answer, so that they cover as much as they can.
class ServerWatch {
 public:
  /// Called by the watch's thread after the new topology has been published.
  using OnChange = std::function<void(const route::Topology&, const std::vector<route::RollCall::Change>&)>;

  /// Starts at once. `board` outlives this object.
  ServerWatch(config::SettingsPtr settings, std::uint64_t generation, route::Board& board,
              OnChange on_change);
  /// Returns within milliseconds, or when the present call of `on_change` does.
  ~ServerWatch();
  ServerWatch(const ServerWatch&) = delete;
  ServerWatch& operator=(const ServerWatch&) = delete;

 private:
  class Visitor;

  void run(const std::stop_token& stop);
  std::shared_ptr<const route::Topology> publish();
  void plan(TimePoint now, TimePoint wished);

  const config::SettingsPtr settings_;
  route::Board& board_;
  const config::Health health_;
  const OnChange on_change_;
  const net::Fd wake_fd_;
  route::RollCall roll_call_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
  std::jthread thread_;  ///< last: it uses all the others
};

}  // namespace forebay::backend
