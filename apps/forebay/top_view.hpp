#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace forebay {

/// What `forebay top` has asked the console for at one moment. Counters are since Forebay's start; times in
/// milliseconds.
struct TopSample {
  struct Pool {
    std::string database;
    std::string user;
    std::string server;  ///< where there are several; else empty
    double clients = 0;
    double waiting = 0;
    double longest_wait = 0;
    double busy = 0;
    double open = 0;
    double most = 0;
  };
  struct Server {
    std::string name;
    std::string role;
    std::string state;
    std::string lag;  ///< empty: not known
    double backends = 0;
    double assignments = 0;
  };
  struct Statement {
    double calls = 0;
    double time = 0;
    double rows = 0;
    double hits = 0;
    double errors = 0;
  };

  std::chrono::steady_clock::time_point taken = {};
  double queries = 0;
  double transactions = 0;
  double calls = 0;      ///< that servers have answered
  double call_time = 0;  ///< of those
  double wait_time = 0;
  double assignments = 0;
  double hits = 0;
  double misses = 0;
  double saved = 0;  ///< of servers' time, in milliseconds
  bool has_cache = false;
  std::vector<std::string> alerts = {};  ///< the worst first
  std::vector<std::string> advice = {};  ///< what to do next, the most urgent first
  std::vector<Pool> pools = {};
  std::vector<Server> servers = {};
  std::map<std::pair<std::string, std::string>, Statement> statements = {};  ///< by database and text
};

struct TopScreen {
  std::string place;
  std::string trouble = {};  ///< why there is nothing new; empty: all is well
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// The lines that tell what happened between two moments: none longer than the screen is wide, and no more
/// than it is high. Text of the console is shown without control characters.
std::vector<std::string> top_lines(const TopSample& before, const TopSample& now, const TopScreen& screen);

}  // namespace forebay
