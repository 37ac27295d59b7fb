#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "backend/target.hpp"
#include "config/settings.hpp"
#include "net/waker.hpp"
#include "route/board.hpp"
#include "route/roll_call.hpp"

namespace forebay::backend {

/// The servers of the main cluster: the upstream comes first, the replicas behind it in their order.
std::vector<config::Upstream> servers_of(const config::Settings& settings);

/// Asks every server of the cluster how it is, over a connection of its own to each, and publishes what comes
/// of it. No client ever waits for one of its questions, and none waits for another server's answer, or for
/// its name to be looked up. One thread, one poll() over all connections. The primary is asked first and the
/// replicas right after its answer, so that they cover as much as they can.
class ServerWatch {
 public:
  /// Where each server of the topology is. Null: its name has not been looked up yet; then it has not
  /// answered either.
  using Targets = std::vector<std::shared_ptr<const Target>>;
  /// Called by the watch's thread after the new topology has been published: something has changed, or a
  /// server is somewhere else than before. In the latter case nothing that it has said there counts in the
  /// topology yet.
  using OnChange = std::function<void(const route::Topology&, const std::vector<route::RollCall::Change>&,
                                      const Targets&)>;

  /// Starts at once. `board` outlives this object. `history`: as published by the watch before.
  ServerWatch(config::SettingsPtr settings, std::uint64_t generation, route::Board& board,
              route::History history, OnChange on_change);
  /// Returns within milliseconds, or when the present call of `on_change` does.
  ~ServerWatch();
  ServerWatch(const ServerWatch&) = delete;
  ServerWatch& operator=(const ServerWatch&) = delete;

 private:
  class Visitor;

  void run(const std::stop_token& stop);
  bool take_targets();
  std::shared_ptr<const route::Topology> publish();
  void plan(TimePoint now, TimePoint wished);

  const config::SettingsPtr settings_;
  route::Board& board_;
  const config::Health health_;
  const OnChange on_change_;
  const net::Waker waker_;
  route::RollCall roll_call_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
  Targets targets_;      ///< as on_change was told last
  std::jthread thread_;  ///< last: it uses all the others
};

}  // namespace forebay::backend
