#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "monitor/samples.hpp"
#include "monitor/visit.hpp"
#include "net/waker.hpp"
#include "pgfront/front.hpp"

namespace forebay::monitor {

/// Asks the servers of the main cluster what they do, hold and wait for, in the background: one thread, one
/// poll() over all connections, and connections of its own, one for each server and one for each sampled
/// database. No client waits for any of it. Where `sampling.enabled` is off, or the upstream's URL names no
/// user, it asks nothing. Settings, servers and databases are looked at again every second. Thread safe.
class Sampler {
 public:
  /// Besides the upstream's own: of those that clients use now, the first by name.
  static constexpr std::size_t kMostDatabases = 8;

  /// Starts at once. `front` outlives this object.
  explicit Sampler(pgfront::Front& front);
  /// Returns within milliseconds.
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Never null. What was known last, whatever has become of the server since.
  SamplesPtr samples() const;
  /// Somebody looks: for the next ten seconds what changes quickly is asked every second.
  void look();
  /// Ends the thread; nothing is asked any more.
  void stop();

 private:
  struct Wish {
    std::string server;
    std::string database;
    std::vector<std::string> client_databases = {};
    bool is_primary = false;
    bool is_of_server = false;
    bool is_of_database = false;
  };

  void run(const std::stop_token& stop);
  bool plan();
  std::vector<Wish> wishes(const config::Settings& settings, std::vector<std::string>& left_out) const;
  void publish();
  bool is_looked_at(TimePoint now) const;

  pgfront::Front& front_;
  const net::Waker waker_;
  std::atomic<TimePoint> looked_{};
  Duration interval_{0};  ///< of the thread, as all until mutex_
  std::string why_off_;
  std::vector<std::string> left_out_;
  std::vector<std::unique_ptr<Visit>> visits_;
  mutable std::mutex mutex_;
  SamplesPtr samples_;   ///< guarded by mutex_
  std::jthread thread_;  ///< last: it uses all the others
};

}  // namespace forebay::monitor
