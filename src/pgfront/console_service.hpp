#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "net/loop.hpp"
#include "pgfront/advice.hpp"
#include "pgfront/console_background.hpp"
#include "pgfront/stats_sampler.hpp"

namespace forebay::pgfront {

class Front;

/// What the consoles of all threads share, and what goes on when a console's client has left: averages,
/// changes of the configuration, an end that waits for clients. Thread safe.
class ConsoleService {
 public:
  /// `front` and `loop` outlive the service, and nobody runs `loop` any more when it is destroyed. Timed work
  /// is done by the thread that runs `loop`.
  ConsoleService(Front& front, net::Loop& loop);

  const StatsSampler& sampler() const { return sampler_; }

  /// What was recommended last.
  AdvicePtr advice() const { return advice_.load(std::memory_order_acquire); }
  void set_advice(AdvicePtr advice) { advice_.store(std::move(advice), std::memory_order_release); }

  using Changed = std::function<void(const Result<void>& result)>;
  /// With the keys of what waits for a restart.
  using Reloaded = std::function<void(const Result<std::vector<std::string>>& result)>;
  /// Reads the configuration again, on a thread of its own, logs what came of it, and calls `reloaded` on the
  /// calling thread, which runs a loop.
  void reload(Reloaded reloaded);
  /// Takes over what `change` makes of the present settings, likewise.
  void change_settings(std::function<Result<config::SettingsPtr>(const config::Settings& present)> change,
                       Changed changed);

  /// Takes no new clients; ends the process when the last has left.
  void shut_down_without_clients();

  /// Waits for a change of the configuration that is under way. When the loops have ended, before the workers
  /// go, which it is told to.
  void stop() { background_.stop(); }

 private:
  template <class Outcome>
  void in_background(std::function<Outcome()> work, std::function<void(const Outcome&)> done);
  void sample();
  void look_for_clients();

  Front& front_;
  net::Loop& loop_;
  StatsSampler sampler_;
  std::atomic<AdvicePtr> advice_;
  net::Timer sample_timer_;
  net::Timer clients_timer_;
  const std::shared_ptr<void> alive_ = std::make_shared<char>();  ///< for answers of other threads
  BackgroundThread background_;  ///< last, so that its work ends before what it uses
};

}  // namespace forebay::pgfront
